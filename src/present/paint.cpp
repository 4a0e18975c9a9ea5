#include "present/paint.hpp"

#include "core/text.hpp"
#include "present/display_text.hpp"

namespace peakward {

std::string screen_text(std::string_view text, const Terminal& terminal) {
    const std::string safe = safe_text(text);
    // Once more: characters without a width are gone from the second, so others are neighbours now.
    return terminal.unicode ? safe : safe_text(to_ascii(safe));
}

std::string paint(std::string_view screen_ready, Tone tone, const Terminal& terminal) {
    const char* code = "";
    switch (tone) {
        case Tone::plain:
            break;
        case Tone::good:
            code = "32";
            break;
        case Tone::bad:
            code = "31";
            break;
        case Tone::doubtful:
            code = "33";
            break;
        case Tone::dim:
            code = "2";
            break;
        case Tone::strong:
            code = "1";
            break;
    }
    if (!terminal.colour || *code == '\0') return std::string(screen_ready);
    return fmt::format("\x1b[{}m{}\x1b[0m", code, screen_ready);
}

}  // namespace peakward
