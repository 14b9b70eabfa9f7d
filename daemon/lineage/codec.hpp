// JSON from and to value structs through one list of members per type, so that encoding and decoding cannot drift
// apart. A list is a function `fields(Is<T> auto& value, Visit& visit)` in this namespace that names each member once:
// `visit(key, member)` for one that must be there, `visit.optional(key, member)` for one that is left out at its
// default.
#pragma once

#include "libacme/base/ids.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/log.hpp"
#include "libacme/crypto/key.hpp"

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace certd::codec {

template <class T, class Type>
concept Is = std::same_as<std::remove_const_t<T>, Type>;

class Writer;
class Reader;

// How one type is written and read; `decode` is false for a value that cannot be one.
template <class T>
struct Coder {
    static Json encode(const T& value);
    static bool decode(const Json& json, T& value);
};

class Writer {
   public:
    template <class T>
    void operator()(const char* key, const T& value) {
        members_.emplace_back(key, Coder<T>::encode(value));
    }
    template <class T>
    void optional(const char* key, const T& value) {
        if (!(value == T{})) (*this)(key, value);
    }
    Json take() { return Json(std::move(members_)); }

   private:
    Json::Object members_;
};

class Reader {
   public:
    explicit Reader(const Json& json) : json_(json), fault_(json.is_object() ? "" : "it is not an object") {}
    template <class T>
    void operator()(const char* key, T& value) {
        if (!Coder<T>::decode(json_[key], value)) blame(key);
    }
    template <class T>
    void optional(const char* key, T& value) {
        const Json& member = json_[key];
        if (!member.is_null() && !Coder<T>::decode(member, value)) blame(key);
    }
    const std::string& fault() const { return fault_; }  // of the first bad member; empty: none

   private:
    void blame(const char* key) {
        if (fault_.empty()) fault_ = std::string("member '") + key + "' is missing or malformed";
    }

    const Json& json_;
    std::string fault_;
};

template <class T>
Json Coder<T>::encode(const T& value) {
    Writer writer;
    fields(value, writer);
    return writer.take();
}

template <class T>
bool Coder<T>::decode(const Json& json, T& value) {
    Reader reader(json);
    fields(value, reader);
    return reader.fault().empty();
}

// The value of a whole document; `what` names it in the problem storage.corrupt.
template <class T>
Result<T> decode_document(const Json& json, const std::string& what) {
    T value;
    Reader reader(json);
    fields(value, reader);
    if (!reader.fault().empty()) return failure("storage.corrupt", what + " is damaged: " + reader.fault());
    return value;
}

template <>
struct Coder<bool> {
    static Json encode(bool value) { return Json(value); }
    static bool decode(const Json& json, bool& value) {
        const bool* truth = json.if_bool();
        if (truth) value = *truth;
        return truth != nullptr;
    }
};

template <>
struct Coder<std::uint32_t> {
    static Json encode(std::uint32_t value) { return Json(std::int64_t{value}); }
    static bool decode(const Json& json, std::uint32_t& value) {
        const std::int64_t* number = json.if_int();
        if (!number || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max()) return false;
        value = static_cast<std::uint32_t>(*number);
        return true;
    }
};

template <>
struct Coder<std::string> {
    static Json encode(const std::string& value) { return Json(value); }
    static bool decode(const Json& json, std::string& value) {
        const std::string* text = json.if_string();
        if (text) value = *text;
        return text != nullptr;
    }
};

template <>
struct Coder<Time> {
    static Json encode(Time value) { return Json(format_rfc3339(value)); }
    static bool decode(const Json& json, Time& value) {
        const std::string* text = json.if_string();
        std::optional<Time> time = text ? parse_rfc3339(*text) : std::nullopt;
        if (time) value = *time;
        return time.has_value();
    }
};

template <>
struct Coder<VersionNumber> {
    static Json encode(VersionNumber value) { return Json(value.value); }
    static bool decode(const Json& json, VersionNumber& value) {
        return Coder<std::uint32_t>::decode(json, value.value);
    }
};

template <class Tag>
struct Coder<Name<Tag>> {
    static Json encode(const Name<Tag>& value) { return Json(value.text); }
    static bool decode(const Json& json, Name<Tag>& value) { return Coder<std::string>::decode(json, value.text); }
};

// An enumeration is its name: `to_string(value)`, which `from` reads back.
template <class T, std::optional<T> (*from)(std::string_view)>
struct NameCoder {
    static Json encode(T value) { return Json(to_string(value)); }
    static bool decode(const Json& json, T& value) {
        const std::string* text = json.if_string();
        std::optional<T> named = text ? from(*text) : std::nullopt;
        if (named) value = *named;
        return named.has_value();
    }
};

template <>
struct Coder<KeyType> : NameCoder<KeyType, key_type_from> {};
template <>
struct Coder<Severity> : NameCoder<Severity, severity_from> {};

// "dns:example.com", "ip:192.0.2.1".
template <>
struct Coder<Identifier> {
    static Json encode(const Identifier& value) { return Json(std::string(to_string(value.type)) + ":" + value.value); }
    static bool decode(const Json& json, Identifier& value) {
        const std::string* text = json.if_string();
        if (!text) return false;
        for (Identifier::Type type : {Identifier::Type::dns, Identifier::Type::ip}) {
            std::string prefix = std::string(to_string(type)) + ":";
            if (text->starts_with(prefix)) {
                value = {type, text->substr(prefix.size())};
                return !value.value.empty();
            }
        }
        return false;
    }
};

template <>
struct Coder<Problem> {
    static Json encode(const Problem& value) { return to_json(value); }
    static bool decode(const Json& json, Problem& value) {
        value = problem_from_json(json);
        return json.is_object() && !value.code.empty();
    }
};

template <class T>
struct Coder<std::optional<T>> {
    static Json encode(const std::optional<T>& value) { return value ? Coder<T>::encode(*value) : Json(); }
    static bool decode(const Json& json, std::optional<T>& value) {
        value.reset();
        return json.is_null() || Coder<T>::decode(json, value.emplace());
    }
};

template <class T>
struct Coder<std::vector<T>> {
    static Json encode(const std::vector<T>& value) {
        Json::Array items;
        items.reserve(value.size());
        for (const T& item : value)
            items.push_back(Coder<T>::encode(item));
        return Json(std::move(items));
    }
    static bool decode(const Json& json, std::vector<T>& value) {
        const Json::Array* items = json.if_array();
        if (!items) return false;
        value.clear();
        value.reserve(items->size());
        for (const Json& item : *items) {
            if (!Coder<T>::decode(item, value.emplace_back())) return false;
        }
        return true;
    }
};

// A map is an object. Its keys are texts: names, or enumerations by theirs.
template <class Key, class T>
struct Coder<std::map<Key, T>> {
    static Json encode(const std::map<Key, T>& value) {
        Json::Object members;
        for (const auto& [key, item] : value)
            members.emplace_back(*Coder<Key>::encode(key).if_string(), Coder<T>::encode(item));
        return Json(std::move(members));
    }
    static bool decode(const Json& json, std::map<Key, T>& value) {
        const Json::Object* members = json.if_object();
        if (!members) return false;
        value.clear();
        for (const auto& [name, item] : *members) {
            Key key{};
            if (!Coder<Key>::decode(Json(name), key) || !Coder<T>::decode(item, value[key])) return false;
        }
        return true;
    }
};

}  // namespace certd::codec
