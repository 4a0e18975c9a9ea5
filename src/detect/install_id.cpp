// The random id that tells this installation from others of the same kind of machine.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

#include "core/posix.hpp"
#include "core/state_folder.hpp"
#include "core/text.hpp"
#include "detect/detect.hpp"

namespace peakward {
namespace {

constexpr const char* id_name = "install_id";

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

// What the file of the id holds.
struct KeptId {
    enum class State { missing, kept, damaged, unreadable } state = State::missing;
    std::string id;      // of a kept one
    std::string reason;  // why it cannot be read
};

KeptId read_id(const std::string& file) {
    constexpr std::size_t bytes_max = 4096;
    if (::access(file.c_str(), F_OK) != 0 && errno == ENOENT) return {};
    const auto text = read_whole_file(file, bytes_max);
    if (!text) return {KeptId::State::unreadable, "", text.error().message};
    const std::string line = trim(text->substr(0, text->find('\n')));
    if (!is_uuid(line)) return {KeptId::State::damaged, "", ""};
    return {KeptId::State::kept, line, ""};
}

InstallId not_kept(std::string why) {
    return {random_uuid(),
            fmt::format("the id of this installation cannot be kept ({}): its runs cannot be "
                        "compared with later ones; set XDG_STATE_HOME to a folder that is writable",
                        why)};
}

}  // namespace

InstallId install_id(const std::string& state_folder) {
    const std::string folder = state_folder.empty() ? usual_state_folder() : state_folder;
    if (folder.empty()) return not_kept("neither XDG_STATE_HOME nor HOME is set");
    const std::string file = folder + "/" + id_name;
    const auto answer = [&file](KeptId there) -> InstallId {
        if (there.state == KeptId::State::kept) return {std::move(there.id), ""};
        if (there.state == KeptId::State::unreadable) return not_kept(there.reason);
        return {random_uuid(),
                fmt::format("{} is damaged: peakward calibrate puts it aside and makes a new one",
                            file)};
    };
    if (KeptId there = read_id(file); there.state != KeptId::State::missing)
        return answer(std::move(there));
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const std::string fresh = random_uuid();
    const std::string own = fmt::format("{}.{}", file, fresh);
    if (const Status written = write_file_atomically(own, fresh + "\n"); !written)
        return not_kept(written.error().message);
    // Two first runs at the same time: a link refuses the second, which then takes the first's id.
    const bool linked = ::link(own.c_str(), file.c_str()) == 0;
    const int why = errno;
    std::filesystem::remove(own, error);
    if (linked) return {fresh, ""};
    if (why != EEXIST) return not_kept(fmt::format("{}: {}", file, std::strerror(why)));
    return answer(read_id(file));
}

std::string put_damaged_install_id_aside(const std::string& state_folder) {
    const std::string folder = state_folder.empty() ? usual_state_folder() : state_folder;
    const std::string file = folder + "/" + id_name;
    if (folder.empty() || read_id(file).state != KeptId::State::damaged) return "";
    // One process does it; those that waited find a file that is whole, or none.
    const int lock = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0) ::flock(lock, LOCK_EX);
    std::string note;
    if (read_id(file).state == KeptId::State::damaged) {
        const std::string aside = fmt::format("{}.damaged-{}", file, random_uuid().substr(0, 8));
        note = ::rename(file.c_str(), aside.c_str()) == 0
                   ? fmt::format(
                         "the id of this installation was damaged and is replaced: new series "
                         "begin here. The damaged file is now {}; if you know the old id, write it "
                         "to {} to continue the old series",
                         aside, file)
                   : fmt::format(
                         "the id of this installation ({}) is damaged and cannot be put aside "
                         "({}): runs made here cannot be compared with later ones",
                         file, std::strerror(errno));
    }
    if (lock >= 0) ::close(lock);
    return note;
}

}  // namespace peakward
