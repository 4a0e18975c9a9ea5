#include "session/csv_times.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "core/text.hpp"
#include "session/csv_numbers.hpp"

namespace peakward {
namespace {

enum class DayOrder { unknown, day_first, month_first };

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A time, taken apart into what stands between its separators.
struct Words {
    struct Word {
        std::string text;
        char before = 0;  // the character in front of it
    };
    std::vector<Word> words;

    explicit Words(const std::string& text) {
        for (std::size_t i = 0; i < text.size();) {
            const bool digits = is_digit(text[i]);
            if (!digits && !is_letter(text[i])) {
                ++i;
                continue;
            }
            std::size_t end = i;
            while (end < text.size() && (digits ? is_digit(text[end]) : is_letter(text[end])))
                ++end;
            words.push_back({to_lower(text.substr(i, end - i)), i > 0 ? text[i - 1] : '\0'});
            i = end;
        }
    }
};

std::optional<unsigned> month_in(const std::string& word) {
    static constexpr std::array<std::string_view, 12> months{
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    constexpr std::size_t letters_min = 3;
    if (word.size() < letters_min) return std::nullopt;
    for (unsigned m = 0; m < months.size(); ++m)
        if (months[m].starts_with(word) || (m == 8 && word == "sept")) return m + 1;
    return std::nullopt;
}

bool is_day_name(const std::string& word) {
    static constexpr std::array<std::string_view, 7> days{
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    return word.size() >= 3 &&
           std::any_of(days.begin(), days.end(), [&](auto day) { return day.starts_with(word); });
}

int number_in(const std::string& digits) { return int(parse_number(digits).value_or(-1)); }

// A date and a time of day while they are read, word by word.
class Reader {
public:
    Reader(const std::string& text, DayOrder order) : words_(Words(text).words), order_(order) {}

    std::optional<double> read() {
        take_day_name();
        if (!take_date()) return std::nullopt;
        if (at_ < words_.size() && !take_clock()) return std::nullopt;
        take_year_behind();
        if (at_ < words_.size() || year_ == 0) return std::nullopt;
        const std::chrono::year_month_day date{std::chrono::year(year_), std::chrono::month(month_),
                                               std::chrono::day(day_)};
        if (!date.ok()) return std::nullopt;
        const auto days = std::chrono::sys_days(date).time_since_epoch().count();
        return double(days) * 86400 + clock_s_ - offset_s_;
    }

    // Of a date in digits that does not begin with its year: its first two numbers.
    static std::optional<std::array<int, 2>> day_and_month(const std::string& text) {
        const auto words = Words(text).words;
        if (words.size() < 3 || !is_short(words[0]) || !is_short(words[1]) ||
            words[1].before == '.' || words[2].text.size() != 4 || !is_digit(words[2].text[0]) ||
            words[1].before != words[2].before ||
            (words[1].before != '/' && words[1].before != '-'))
            return std::nullopt;
        return std::array<int, 2>{number_in(words[0].text), number_in(words[1].text)};
    }

private:
    using Word = Words::Word;
    static bool is_short(const Word& word) {
        return word.text.size() <= 2 && is_digit(word.text[0]);
    }
    static bool is_year(const Word& word) {
        return word.text.size() == 4 && is_digit(word.text[0]);
    }
    const Word* peek(std::size_t ahead = 0) const {
        return at_ + ahead < words_.size() ? &words_[at_ + ahead] : nullptr;
    }

    void take_day_name() {
        if (peek() && is_day_name(peek()->text)) ++at_;
    }

    bool take_date() {
        const Word *a = peek(), *b = peek(1), *c = peek(2);
        if (!a || !b) return false;
        if (is_year(*a) && c && is_short(*b) && is_short(*c) && c->before == b->before)
            return set(a, b, c, 3);
        if (is_year(*a) && is_short(*b) && !c) {  // 2026-05
            year_ = number_in(a->text);
            month_ = unsigned(number_in(b->text));
            day_ = 1;
            at_ += 2;
            return true;
        }
        if (const auto month = month_in(a->text); month && is_short(*b)) {  // May 25 [2026]
            month_ = *month;
            day_ = unsigned(number_in(b->text));
            at_ += 2;
            if (peek() && is_year(*peek())) year_ = number_in(words_[at_++].text);
            return true;
        }
        if (!c || !is_short(*a) || !is_year(*c)) return false;
        if (const auto month = month_in(b->text)) {  // 25 May 2026
            month_ = *month;
            day_ = unsigned(number_in(a->text));
            year_ = number_in(c->text);
            at_ += 3;
            return true;
        }
        if (!is_short(*b) || b->before != c->before) return false;
        if (b->before == '.') return set(c, b, a, 3);
        if (b->before != '/' && b->before != '-') return false;
        if (order_ == DayOrder::unknown) return false;
        return order_ == DayOrder::day_first ? set(c, b, a, 3) : set(c, a, b, 3);
    }

    bool set(const Word* year, const Word* month, const Word* day, std::size_t words) {
        year_ = number_in(year->text);
        month_ = unsigned(number_in(month->text));
        day_ = unsigned(number_in(day->text));
        at_ += words;
        return true;
    }

    bool take_clock() {
        if (peek()->text == "t") ++at_;
        const Word *hour = peek(), *minute = peek(1);
        if (!hour || !is_short(*hour) || !minute || !is_short(*minute) || minute->before != ':')
            return false;
        double h = number_in(hour->text);
        const double m = number_in(minute->text);
        double s = 0;
        at_ += 2;
        if (peek() && peek()->before == ':' && is_short(*peek())) {
            s = number_in(words_[at_++].text);
            if (peek() && is_digit(peek()->text[0]) &&
                (peek()->before == '.' || peek()->before == ','))
                s += parse_number("0." + words_[at_++].text).value_or(0);
        }
        if (peek() && (peek()->text == "am" || peek()->text == "pm")) {
            if (h < 1 || h > 12) return false;
            h = std::fmod(h, 12) + (words_[at_++].text == "pm" ? 12 : 0);
        }
        clock_s_ = h * 3600 + m * 60 + s;
        return h < 24 && m < 60 && s < 61 && take_zone();
    }

    bool take_zone() {
        if (!peek()) return true;
        const std::string& word = peek()->text;
        if (word == "z" || word == "utc" || word == "gmt") {
            ++at_;
            return true;
        }
        const char sign = peek()->before;
        if ((sign != '+' && sign != '-') || !is_digit(word[0])) return true;  // a year, perhaps
        if (word.size() != 2 && word.size() != 4) return false;
        offset_s_ = number_in(word.substr(0, 2)) * 3600.0;
        ++at_;
        if (word.size() == 4)
            offset_s_ += number_in(word.substr(2)) * 60.0;
        else if (peek() && peek()->before == ':' && is_short(*peek()))
            offset_s_ += number_in(words_[at_++].text) * 60.0;
        if (sign == '-') offset_s_ = -offset_s_;
        return true;
    }

    // "Mon May 25 10:00:00 2026 +0200"
    void take_year_behind() {
        if (year_ != 0 || !peek() || !is_year(*peek())) return;
        year_ = number_in(words_[at_++].text);
        if (!take_zone()) year_ = 0;
    }

    std::vector<Word> words_;
    DayOrder order_;
    std::size_t at_ = 0;
    int year_ = 0;
    unsigned month_ = 0, day_ = 0;
    double clock_s_ = 0, offset_s_ = 0;
};

// Which of the first two numbers is the day, by those above 12.
DayOrder order_of(std::span<const std::string> cells, std::string& refused) {
    bool day_first = false, month_first = false;
    const std::string* example = nullptr;
    for (const std::string& cell : cells) {
        const auto numbers = Reader::day_and_month(cell);
        if (!numbers) continue;
        if (!example) example = &cell;
        day_first = day_first || (*numbers)[0] > 12;
        month_first = month_first || (*numbers)[1] > 12;
    }
    if (!example || day_first != month_first)
        return day_first ? DayOrder::day_first
                         : (month_first ? DayOrder::month_first : DayOrder::unknown);
    refused = fmt::format(
        "dates like '{}' may begin with the day or with the month, and {}; write them as "
        "2026-05-25",
        *example,
        day_first ? "some cells only fit one and some only the other" : "no cell tells which");
    return DayOrder::unknown;
}

// Seconds since 1970 for numbers of which all are times of this century, in one unit.
std::optional<double> unit_of(std::span<const double> numbers) {
    constexpr double year_2000 = 946684800, year_2100 = 4102444800;
    for (const double per_second : {1.0, 1e3, 1e6, 1e9})
        if (std::all_of(numbers.begin(), numbers.end(), [&](double number) {
                return number >= year_2000 * per_second && number < year_2100 * per_second;
            }))
            return per_second;
    return std::nullopt;
}

}  // namespace

TimeColumn read_times(std::span<const std::string> cells) {
    TimeColumn column;
    if (cells.empty()) return column;
    const auto number = [](const std::string& cell) -> std::optional<double> {
        auto value = parse_styled_number(cell, NumberStyle::decimal_point);
        if (!value) value = parse_styled_number(cell, NumberStyle::decimal_comma);
        return value && std::isfinite(*value) ? value : std::nullopt;
    };
    const bool are_numbers = number(cells.front()).has_value();
    const DayOrder order = are_numbers ? DayOrder::unknown : order_of(cells, column.refused);
    if (!column.refused.empty()) return column;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto instant = are_numbers ? number(cells[i]) : Reader(cells[i], order).read();
        if (!instant) {
            if (i > 0) column.odd_cell = i;
            column.instants.clear();
            return column;
        }
        column.instants.push_back(*instant);
    }
    column.has_dates = !are_numbers;
    if (!are_numbers) return column;
    if (const auto per_second = unit_of(column.instants)) {
        column.has_dates = true;
        for (double& instant : column.instants) instant /= *per_second;
    }
    return column;
}

bool is_name_of_times(const std::string& column) {
    static constexpr std::array<std::string_view, 12> names{
        "time", "date",  "timestamp", "datetime", "day",     "when",
        "ts",   "epoch", "at",        "created",  "started", "unixtime"};
    const auto words = Words(column).words;
    if (words.empty()) return false;
    const auto is_one = [&](const std::string& word) {
        return std::find(names.begin(), names.end(), word) != names.end();
    };
    // "real_time" is a time that was measured, "start time" one at which something was.
    if (words.size() == 1) return is_one(words.front().text);
    static constexpr std::array<std::string_view, 9> firsts{
        "start", "end", "run", "created", "commit", "started", "unix", "measured", "finished"};
    return is_one(words.back().text) &&
           std::find(firsts.begin(), firsts.end(), words.front().text) != firsts.end();
}

}  // namespace peakward
