#include "cli/progress.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/measurement_view.hpp"
#include "present/paint.hpp"

namespace peakward::cli {
namespace {

std::string time_left(Seconds left) {
    if (!std::isfinite(left.count()) || left.count() < 0) return {};
    const auto seconds = static_cast<long long>(std::ceil(left.count()));
    if (seconds < 60) return fmt::format("{} s left", seconds);
    return fmt::format("{}:{:02} min left", seconds / 60, seconds % 60);
}

// The device too, where it is not the usual one.
std::string full_words(const Case& what) {
    const std::string words = what.backend + " " + case_words(what);
    return what.device == "cpu" ? words : words + " on " + what.device;
}

// "107.4 GOPS", "18.2 GB/s", or what happened instead.
std::string result_words(const Measurement& m) {
    std::string words;
    if (m.gbps) words = format_with_unit(*m.gbps, Unit::gbps);
    if (m.gops && (!m.gbps || *m.gops > *m.gbps)) words = format_with_unit(*m.gops, Unit::gops);
    if (m.outcome == Outcome::measured) {
        if (words.empty() && m.clock_hz > 0) words = format_with_unit(m.clock_hz / 1e6, Unit::mhz);
        return words.empty() ? "measured" : words;
    }
    words = std::string(to_string(m.outcome));
    if (!m.reason.empty()) words += ": " + m.reason;
    return words;
}

bool is_trouble(const Measurement& m) {
    return m.outcome != Outcome::measured && m.outcome != Outcome::unsupported;
}

class Silent final : public Observer {
public:
    void stage_started(const std::string&) override {}
    void case_started(const Case&, int, int, Seconds) override {}
    void case_finished(const Measurement&) override {}
    void note(const std::string&) override {}
    void finished() override {}
};

class PlainLines final : public Observer {
public:
    PlainLines(Console& console, const StopToken& stop) : console_(console), stop_(stop) {}

    void stage_started(const std::string& what) override { line(what); }
    void case_started(const Case&, int done, int total, Seconds left) override {
        position_ = fmt::format("[{}/{}] ", done + 1, total);
        left_ = time_left(left);
    }
    void case_finished(const Measurement& m) override {
        if (stop_.stop_requested()) return;
        const std::string left = left_.empty() ? "" : " (" + left_ + ")";
        line(position_ + full_words(m.what) + ": " + result_words(m) + left);
    }
    void note(const std::string& sentence) override { line(sentence); }
    void finished() override {}

private:
    void line(const std::string& text) {
        console_.err << screen_text(text, console_.err_terminal) << "\n" << std::flush;
    }
    Console& console_;
    const StopToken& stop_;
    std::string position_, left_;
};

class Bar final : public Observer {
public:
    Bar(Console& console, const StopToken& stop) : console_(console), stop_(stop) {}
    ~Bar() override { clear(); }
    Bar(const Bar&) = delete;
    Bar& operator=(const Bar&) = delete;

    void stage_started(const std::string& what) override {
        clear();
        draw(what + " …");
    }
    void case_started(const Case& what, int done, int total, Seconds left) override {
        done_ = done;
        total_ = total;
        left_ = time_left(left);
        draw_bar(full_words(what));
    }
    void case_finished(const Measurement& m) override {
        if (stop_.stop_requested()) return;
        ++done_;
        if (is_trouble(m)) {
            const bool bad = m.outcome != Outcome::contended;
            persist(bad ? "✗" : "⚠", bad ? Tone::bad : Tone::doubtful,
                    full_words(m.what) + ": " + result_words(m));
        }
        draw_bar(full_words(m.what) + ": " + result_words(m));
    }
    void note(const std::string& sentence) override { persist("·", Tone::dim, sentence); }
    void finished() override { clear(); }

private:
    // One column stays free: a full line would wrap, and could then not be redrawn in place.
    int room() const {
        const int columns = console_.err_fd >= 0 ? terminal_of(console_.err_fd).columns
                                                 : console_.err_terminal.columns;
        return std::max(10, columns - 1);
    }
    void draw(const std::string& text) {
        const Terminal& terminal = console_.err_terminal;
        console_.err << "\r" << cut_to_width(screen_text(text, terminal), room(), terminal.unicode)
                     << "\x1b[K" << std::flush;
        drawn_ = true;
    }
    void draw_bar(const std::string& text) {
        if (total_ <= 0) return;
        const Terminal& terminal = console_.err_terminal;
        const int columns = room();
        const int bar = std::clamp(columns / 4, 5, 30);
        const int filled = std::clamp(bar * done_ / total_, 0, bar);
        const std::string full = terminal.unicode ? "█" : "#", empty = terminal.unicode ? "░" : ".";
        std::string line;
        for (int i = 0; i < bar; ++i) line += i < filled ? full : empty;
        const std::string count = fmt::format(" {}/{} ", std::min(done_ + 1, total_), total_);
        const std::string right = left_.empty() ? "" : "  " + left_;
        const int middle = columns - bar - display_width(count) - display_width(right);
        console_.err << "\r" << paint(line, Tone::good, terminal) << count
                     << pad_right(
                            cut_to_width(screen_text(text, terminal), middle, terminal.unicode),
                            middle)
                     << right << "\x1b[K" << std::flush;
        drawn_ = true;
    }
    void persist(const char* mark, Tone tone, const std::string& text) {
        clear();
        const Terminal& terminal = console_.err_terminal;
        const std::string shown = screen_text(mark, terminal);
        const int width = display_width(shown) + 1;
        console_.err << paint(shown, tone, terminal) << " "
                     << break_between_words(screen_text(text, terminal), room(), width, width)
                     << "\n"
                     << std::flush;
    }
    void clear() {
        if (drawn_) console_.err << "\r\x1b[K" << std::flush;
        drawn_ = false;
    }

    Console& console_;
    const StopToken& stop_;
    int done_ = 0, total_ = 0;
    std::string left_;
    bool drawn_ = false;
};

}  // namespace

std::unique_ptr<Observer> make_progress(Console& console, bool quiet, const StopToken& stop) {
    if (quiet) return std::make_unique<Silent>();
    if (console.err_terminal.is_terminal) return std::make_unique<Bar>(console, stop);
    return std::make_unique<PlainLines>(console, stop);
}

}  // namespace peakward::cli
