// The text of status_page.html, made part of the program by CMake.
#pragma once

#include <string_view>

namespace certd::control {

// "@NONCE@" stands where the nonce of the Content-Security-Policy belongs.
extern const std::string_view status_page;

}  // namespace certd::control
