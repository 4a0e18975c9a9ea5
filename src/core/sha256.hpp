#pragma once

#include <string>
#include <string_view>

namespace peakward {

// SHA-256 of the bytes, as 64 lower-case hexadecimal digits (FIPS 180-4, by OpenSSL's libcrypto).
std::string sha256_hex(std::string_view bytes);

}  // namespace peakward
