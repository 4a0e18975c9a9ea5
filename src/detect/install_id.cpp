// The random id that tells this installation from others of the same kind of machine.
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/posix.hpp"
#include "core/text.hpp"
#include "detect/detect.hpp"

namespace peakward {
namespace {

// UUID version 4, RFC 9562.
std::string random_uuid() {
    std::array<unsigned char, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        std::random_device device;
        for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(device());
    }
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
            return false;
    }
    return true;
}

std::string kept_id(const std::string& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    line = trim(line);
    return is_uuid(line) ? line : "";
}

std::string usual_folder() {
    // The XDG Base Directory Specification wants relative paths to be ignored.
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && state[0] == '/') return std::string(state) + "/peakward";
    const char* home = std::getenv("HOME");
    if (home != nullptr && home[0] == '/') return std::string(home) + "/.local/state/peakward";
    return "";
}

InstallId not_kept(std::string why) {
    return {random_uuid(),
            fmt::format("the id of this installation cannot be kept ({}): its runs cannot be "
                        "compared with later ones; set XDG_STATE_HOME to a folder that is writable",
                        why)};
}

}  // namespace

InstallId install_id(const std::string& state_folder) {
    const std::string folder = state_folder.empty() ? usual_folder() : state_folder;
    if (folder.empty()) return not_kept("neither XDG_STATE_HOME nor HOME is set");
    const std::string file = folder + "/install_id";
    if (std::string known = kept_id(file); !known.empty()) return {std::move(known), ""};
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const std::string fresh = random_uuid();
    const std::string own = fmt::format("{}.{}", file, fresh);
    if (const Status written = write_file_atomically(own, fresh + "\n"); !written)
        return not_kept(written.error().message);
    // Two first runs at the same time: a link refuses the second, which then takes the first's id.
    // A damaged file is replaced.
    const bool linked = ::link(own.c_str(), file.c_str()) == 0;
    const int why = errno;
    std::string known = kept_id(file);
    if (known.empty()) {
        if (::rename(own.c_str(), file.c_str()) != 0)
            return not_kept(fmt::format("{}: {}", file, std::strerror(linked ? errno : why)));
        return {fresh, ""};
    }
    std::filesystem::remove(own, error);
    return {std::move(known), ""};
}

}  // namespace peakward
