// What the JSON of incidents and messages needs beside the codec of lineages.
#pragma once

#include "daemon/lineage/codec.hpp"
#include "libacme/base/log.hpp"

#include <map>
#include <string>

namespace certd::codec {

template <>
struct Coder<Severity> {
    static Json encode(Severity value) { return Json(to_string(value)); }
    static bool decode(const Json& json, Severity& value) {
        const std::string* text = json.if_string();
        std::optional<Severity> severity = text ? severity_from(*text) : std::nullopt;
        if (severity) value = *severity;
        return severity.has_value();
    }
};

// A map keyed by text is an object.
template <class T>
struct Coder<std::map<std::string, T>> {
    static Json encode(const std::map<std::string, T>& value) {
        Json::Object members;
        for (const auto& [name, item] : value)
            members.emplace_back(name, Coder<T>::encode(item));
        return Json(std::move(members));
    }
    static bool decode(const Json& json, std::map<std::string, T>& value) {
        const Json::Object* members = json.if_object();
        if (!members) return false;
        value.clear();
        for (const auto& [name, item] : *members) {
            if (!Coder<T>::decode(item, value[name])) return false;
        }
        return true;
    }
};

}  // namespace certd::codec
