// Json: value access, RapidJSON's iterative reader behind strict limits, and the writer.
#include "libacme/base/json.hpp"

#include "libacme/base/text.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include <fmt/format.h>

namespace certd {

namespace {

const Json null_json;

bool is_utf8(std::string_view text) {
    if (std::ranges::all_of(text, [](char letter) { return static_cast<signed char>(letter) >= 0; })) return true;
    rapidjson::MemoryStream stream(text.data(), text.size());
    while (stream.Tell() < text.size()) {
        unsigned code = 0;
        if (!rapidjson::UTF8<>::Decode(stream, &code)) return false;
    }
    return stream.Tell() == text.size();
}

// Builds a tree from reader events; `reason` is set when it refuses.
class TreeBuilder {
   public:
    explicit TreeBuilder(std::size_t depth) : depth_limit_(depth) {}

    bool Null() { return add(Json()); }
    bool Bool(bool value) { return add(Json(value)); }
    // Numbers come as text: RapidJSON's own conversion reads beyond its tables for long mantissas with large exponents.
    bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
        const char* end = text + size;
        if (std::string_view(text, size).find_first_of(".eE") == std::string_view::npos) {
            std::int64_t whole = 0;
            return std::from_chars(text, end, whole).ec == std::errc() ? add(Json(whole))
                                                                       : refuse("a number is out of range");
        }
        double real = 0;
        return std::from_chars(text, end, real).ec == std::errc() ? add(Json(real))
                                                                  : refuse("a number is out of range");
    }
    bool Int(int) { return refuse("a number is no text"); }  // never called: kParseNumbersAsStringsFlag
    bool Uint(unsigned) { return Int(0); }
    bool Int64(std::int64_t) { return Int(0); }
    bool Uint64(std::uint64_t) { return Int(0); }
    bool Double(double) { return Int(0); }
    bool String(const char* text, rapidjson::SizeType size, bool) {
        // An escaped low surrogate without its high one passes RapidJSON's check.
        if (!is_utf8({text, size})) return refuse("a string is not Unicode");
        return add(Json(std::string(text, size)));
    }
    bool StartObject() { return open(Json(Json::Object())); }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        if (!is_utf8({text, size})) return refuse("a key is not Unicode");
        Frame& frame = stack_.back();
        frame.key.assign(text, size);
        const Json::Object& members = *frame.value.if_object();
        // A linear look is quickest for the few members usual; a set keeps hostile objects from quadratic time.
        if (members.size() < 16) {
            if (std::ranges::any_of(members, [&](const Json::Member& member) { return member.first == frame.key; })) {
                return refuse("a key stands twice in one object");
            }
            return true;
        }
        if (frame.keys.empty()) {
            for (const Json::Member& member : members)
                frame.keys.insert(member.first);
        }
        return frame.keys.insert(frame.key).second || refuse("a key stands twice in one object");
    }
    bool EndObject(rapidjson::SizeType) { return close(); }
    bool StartArray() { return open(Json(Json::Array())); }
    bool EndArray(rapidjson::SizeType) { return close(); }

    Json take() { return std::move(root_); }
    const char* reason() const { return reason_; }

   private:
    struct Frame {
        Json value;
        std::string key;
        std::unordered_set<std::string> keys;
    };

    bool refuse(const char* reason) {
        reason_ = reason;
        return false;
    }
    bool open(Json value) {
        if (stack_.size() >= depth_limit_) return refuse("it is nested too deeply");
        stack_.push_back({std::move(value), {}, {}});
        return true;
    }
    bool close() {
        Json value = std::move(stack_.back().value);
        stack_.pop_back();
        return add(std::move(value));
    }
    bool add(Json value) {
        if (stack_.empty()) {
            root_ = std::move(value);
        } else if (Json::Object* members = stack_.back().value.if_object()) {
            members->emplace_back(std::move(stack_.back().key), std::move(value));
        } else {
            stack_.back().value.if_array()->push_back(std::move(value));
        }
        return true;
    }

    std::size_t depth_limit_;
    std::vector<Frame> stack_;
    Json root_;
    const char* reason_ = nullptr;
};

// RapidJSON's writer trusts its input; foreign octets that are not UTF-8 are made visible instead.
template <class Writer>
void write_string(Writer& writer, std::string_view text, bool key) {
    std::string replaced;
    if (!is_utf8(text)) {
        for (char letter : text) {
            replaced += static_cast<signed char>(letter) >= 0
                            ? std::string(1, letter)
                            : fmt::format("\\x{:02X}", static_cast<unsigned char>(letter));
        }
        text = replaced;
    }
    auto size = static_cast<rapidjson::SizeType>(text.size());
    key ? writer.Key(text.data(), size) : writer.String(text.data(), size);
}

template <class Writer>
void write(Writer& writer, const Json& value) {
    if (value.is_null()) {
        writer.Null();
    } else if (const bool* truth = value.if_bool()) {
        writer.Bool(*truth);
    } else if (const std::int64_t* integer = value.if_int()) {
        writer.Int64(*integer);
    } else if (const std::string* text = value.if_string()) {
        write_string(writer, *text, false);
    } else if (const Json::Array* items = value.if_array()) {
        writer.StartArray();
        for (const Json& item : *items)
            write(writer, item);
        writer.EndArray();
    } else if (const Json::Object* members = value.if_object()) {
        writer.StartObject();
        for (const auto& [key, member] : *members) {
            write_string(writer, key, true);
            write(writer, member);
        }
        writer.EndObject();
    } else {
        writer.Double(value.number().value_or(0));
    }
}

}  // namespace

std::optional<double> Json::number() const {
    if (const std::int64_t* integer = if_int()) return static_cast<double>(*integer);
    if (const double* real = std::get_if<double>(&value_)) return *real;
    return std::nullopt;
}

const Json& Json::operator[](std::string_view key) const {
    if (const Object* members = if_object()) {
        for (const Member& member : *members) {
            if (member.first == key) return member.second;
        }
    }
    return null_json;
}

Json& Json::set(std::string key, Json value) {
    if (!is_object()) value_ = Object();
    Object& members = *if_object();
    auto found = std::ranges::find(members, key, &Member::first);
    if (found != members.end()) {
        found->second = std::move(value);
    } else {
        members.emplace_back(std::move(key), std::move(value));
    }
    return *this;
}

Json& Json::push(Json value) {
    if (!is_array()) value_ = Array();
    if_array()->push_back(std::move(value));
    return *this;
}

std::string Json::string_or(std::string_view key, std::string_view fallback) const {
    const std::string* text = (*this)[key].if_string();
    return text ? *text : std::string(fallback);
}

std::int64_t Json::int_or(std::string_view key, std::int64_t fallback) const {
    const std::int64_t* value = (*this)[key].if_int();
    return value ? *value : fallback;
}

bool Json::bool_or(std::string_view key, bool fallback) const {
    const bool* value = (*this)[key].if_bool();
    return value ? *value : fallback;
}

std::vector<std::string> Json::strings(std::string_view key) const {
    std::vector<std::string> result;
    if (const Array* items = (*this)[key].if_array()) {
        for (const Json& item : *items) {
            if (const std::string* text = item.if_string()) result.push_back(*text);
        }
    }
    return result;
}

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
    if (text.size() > limits.bytes)
        return failure("json.malformed", fmt::format("JSON text of {} bytes: more than {}", text.size(), limits.bytes));
    constexpr unsigned flags =
        rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    TreeBuilder builder(limits.depth);
    rapidjson::ParseResult parsed = reader.Parse<flags>(stream, builder);
    if (!parsed) {
        const char* reason = builder.reason() ? builder.reason() : rapidjson::GetParseError_En(parsed.Code());
        return failure("json.malformed", fmt::format("Malformed JSON at byte {}: {}", parsed.Offset(), reason));
    }
    return builder.take();
}

std::string to_text(const Json& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    write(writer, value);
    return {buffer.GetString(), buffer.GetSize()};
}

std::string to_pretty_text(const Json& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
    writer.SetIndent(' ', 2);
    write(writer, value);
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

Json to_json(std::optional<Time> time) {
    return time ? Json(format_rfc3339(*time)) : Json();
}

std::optional<Time> time_in(const Json& object, std::string_view key) {
    const std::string* text = object[key].if_string();
    return text ? parse_rfc3339(*text) : std::nullopt;
}

Json to_json(const Problem& problem) {
    Json json = Json::object({{"kind", to_string(problem.kind)}, {"code", problem.code}, {"what", problem.what}});
    if (!problem.hint.empty()) json.set("hint", problem.hint);
    if (!problem.remote.empty()) json.set("remote", escape_untrusted(problem.remote, 4096));
    json.set("retry", to_string(problem.retry));
    if (problem.not_before) json.set("not_before", to_json(problem.not_before));
    if (!problem.parts.empty()) {
        Json parts = Json::array();
        for (const Problem& part : problem.parts)
            parts.push(to_json(part));
        json.set("parts", std::move(parts));
    }
    return json;
}

Problem problem_from_json(const Json& json) {
    Problem problem;
    problem.kind = problem_kind_from(json.string_or("kind")).value_or(ProblemKind::internal);
    problem.code = json.string_or("code");
    problem.what = json.string_or("what");
    problem.hint = json.string_or("hint");
    problem.remote = json.string_or("remote");
    problem.retry = retry_from(json.string_or("retry")).value_or(Retry::later);
    problem.not_before = time_in(json, "not_before");
    if (const Json::Array* parts = json["parts"].if_array()) {
        for (const Json& part : *parts)
            problem.parts.push_back(problem_from_json(part));
    }
    return problem;
}

}  // namespace certd
