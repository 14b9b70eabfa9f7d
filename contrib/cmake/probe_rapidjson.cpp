#include <rapidjson/document.h>
#include <rapidjson/reader.h>
#include <rapidjson/writer.h>

int main() {
    rapidjson::Document document;
    document.Parse("{\"a\":[1,2.5,\"x\"]}");
    rapidjson::Value copy(document, document.GetAllocator());
    return copy.HasMember("a") ? 0 : 1;
}
