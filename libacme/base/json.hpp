// A JSON value and its reader and writer. The reader is strict and bounded: it survives depth bombs, duplicate keys,
// lone surrogates and numbers out of range with a Problem (faults F16). RapidJSON stays behind json.cpp.
#pragma once

#include "libacme/base/problem.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace certd {

class Json {
   public:
    using Array = std::vector<Json>;
    using Member = std::pair<std::string, Json>;
    using Object = std::vector<Member>;  // keeps the order of insertion; keys are unique

    Json() = default;  // null
    Json(std::nullptr_t) {}
    Json(bool value) : value_(value) {}
    Json(double value) : value_(value) {}
    Json(std::int64_t value) : value_(value) {}
    Json(int value) : value_(std::int64_t{value}) {}
    Json(unsigned value) : value_(std::int64_t{value}) {}
    Json(std::size_t value) : value_(static_cast<std::int64_t>(value)) {}
    Json(std::string value) : value_(std::move(value)) {}
    Json(std::string_view value) : value_(std::string(value)) {}
    Json(const char* value) : value_(std::string(value)) {}
    Json(Array value) : value_(std::move(value)) {}
    Json(Object value) : value_(std::move(value)) {}
    template <class T>
    Json(const T*) = delete;  // or a pointer would become true

    static Json object(std::initializer_list<Member> members = {}) { return Json(Object(members)); }
    static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    bool is_object() const { return std::holds_alternative<Object>(value_); }
    bool is_array() const { return std::holds_alternative<Array>(value_); }

    // Typed looks that never throw: nullptr / nullopt when the value is of another type.
    const bool* if_bool() const { return std::get_if<bool>(&value_); }
    const std::int64_t* if_int() const { return std::get_if<std::int64_t>(&value_); }
    std::optional<double> number() const;  // an integer or a real
    const std::string* if_string() const { return std::get_if<std::string>(&value_); }
    const Array* if_array() const { return std::get_if<Array>(&value_); }
    Array* if_array() { return std::get_if<Array>(&value_); }
    const Object* if_object() const { return std::get_if<Object>(&value_); }
    Object* if_object() { return std::get_if<Object>(&value_); }

    // The member of an object, or a null value when this is not an object or has no such member.
    const Json& operator[](std::string_view key) const;
    // Adds or replaces a member; makes an object of a null value. Returns *this for chaining.
    Json& set(std::string key, Json value);
    // Appends to an array; makes an array of a null value.
    Json& push(Json value);

    // Shorthand for optional members.
    std::string string_or(std::string_view key, std::string_view fallback = {}) const;
    std::int64_t int_or(std::string_view key, std::int64_t fallback = 0) const;
    bool bool_or(std::string_view key, bool fallback = false) const;
    // The strings of an array member; items of another type are left out.
    std::vector<std::string> strings(std::string_view key) const;

    bool operator==(const Json&) const = default;

   private:
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct JsonLimits {
    std::size_t bytes = std::size_t{1} << 20;
    std::size_t depth = 64;
};

Result<Json> parse_json(std::string_view text, JsonLimits limits = {});  // problem json.malformed
std::string to_text(const Json& value);                                  // compact, valid UTF-8
std::string to_pretty_text(const Json& value);                           // two spaces, final newline

// Times are RFC 3339 strings in JSON; absent or null is nullopt.
Json to_json(std::optional<Time> time);
std::optional<Time> time_in(const Json& object, std::string_view key);

// Problem as JSON (members kind, code, what, hint, remote, retry, not_before, parts) and back; fields unknown are
// ignored.
Json to_json(const Problem& problem);
Problem problem_from_json(const Json& json);

}  // namespace certd
