// `hardware add` on a terminal: one question a line, each answer checked before the next question.
#include <algorithm>
#include <cmath>

#include "cli/hardware_actions.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

// What is wrong with an answer; "" when nothing is.
using CheckAnswer = std::function<std::string(const std::string&)>;

class Questions {
public:
    Questions(const AskLine& ask, const std::function<void(const std::string&)>& complain)
        : ask_(ask), complain_(complain) {}

    std::string ask(const std::string& question, const CheckAnswer& check) {
        while (!ended_) {
            const auto answer = ask_(question);
            if (!answer) {
                ended_ = true;
                break;
            }
            const std::string complaint = check(*answer);
            if (complaint.empty()) return *answer;
            complain_(complaint);
        }
        return {};
    }
    std::string text(const std::string& question) {
        return ask(question, [](const std::string& answer) {
            return answer.empty() ? "an answer is needed here" : "";
        });
    }
    std::string one_of(const std::string& question, const char* what,
                       const std::vector<std::string>& known, bool may_be_empty) {
        return ask(question, [&](const std::string& answer) -> std::string {
            if (answer.empty() && may_be_empty) return {};
            const bool there = std::find(known.begin(), known.end(), answer) != known.end();
            return there ? "" : unknown_name_message(what, answer, known);
        });
    }
    // A figure of the source that was given, or unknown.
    Json figure(const std::string& question) {
        const std::string answer = ask(question, [](const std::string& text) -> std::string {
            const auto number = parse_number(text);
            if (text.empty() || (number && std::isfinite(*number) && *number > 0)) return {};
            return fmt::format("'{}' is not a number above zero; an empty answer means unknown",
                               text);
        });
        if (answer.empty()) return unknown();
        return {{"value", *parse_number(answer)}, {"source", "given"}};
    }
    static Json unknown() { return {{"unknown", "not given when the entry was added"}}; }
    bool ended() const { return ended_; }

private:
    const AskLine& ask_;
    const std::function<void(const std::string&)>& complain_;
    bool ended_ = false;  // the input, before the last question
};

Json identity(Questions& questions, const HardwareDatabase& database) {
    const std::string name =
        questions.ask("Name of the product, as its vendor writes it",
                      [&](const std::string& answer) -> std::string {
                          if (answer.empty()) return "an answer is needed here";
                          const HardwareSpec* there = database.find(id_from_name(answer));
                          if (!there) return {};
                          return fmt::format(
                              "{} is in the database already; peakward hardware update corrects "
                              "it, and Ctrl-C ends this",
                              there->id);
                      });
    Json entry{{"schema_version", 1},
               {"spec_version", 1},
               {"id", id_from_name(name)},
               {"name", name},
               {"kind", questions.one_of("Kind (cpu, gpu, accelerator)", "kind",
                                         {"cpu", "gpu", "accelerator"}, false)},
               {"vendor", id_from_name(questions.text("Vendor"))},
               {"aliases", Json::array()},
               {"host_architecture", nullptr},
               {"detection", Json::array()},
               {"clocks_ghz", {{"base", Questions::unknown()}}}};
    entry["architecture"]["name"] = questions.text("Architecture (as Zen 4, Hopper)");
    const std::string host =
        questions.one_of("Host architecture (x86_64, aarch64, or empty for any)", "architecture",
                         {"x86_64", "aarch64"}, true);
    if (!host.empty()) entry["host_architecture"] = host;
    return entry;
}

void detection(Questions& questions, Json& entry) {
    const bool cpu = entry.at("kind") == "cpu";
    const std::string pattern =
        questions.ask("Name that a host shows, as an expression that begins with ^ (empty: none)",
                      [&](const std::string& answer) -> std::string {
                          if (answer.empty()) return {};
                          DetectionPattern made;
                          (cpu ? made.cpu_model : made.gpu_model) = answer;
                          const auto problems = problems_of(made, "the expression");
                          return problems.empty() ? "" : problems.front();
                      });
    if (!pattern.empty())
        entry["detection"].push_back({{cpu ? "cpu_model" : "gpu_model", pattern},
                                      {"confidence", 0.9},
                                      {"reason", "the name that a host shows"}});
}

void figures(Questions& questions, Json& entry) {
    Json& source = entry["sources"]["given"];
    source["publisher"] = questions.text("Figures: publisher of their source");
    source["title"] = questions.text("Figures: title of their source");
    source["url"] = questions.ask(
        "Figures: address of their source (https://...)", [](const std::string& answer) {
            const bool address = answer.starts_with("https://") || answer.starts_with("http://");
            return address && answer.find(' ') == std::string::npos
                       ? ""
                       : "an address begins with https:// and has no blanks";
        });
    const std::string launched = questions.ask(
        "Launched (2022, 2022-10 or 2022-10-04; empty: unknown)", [](const std::string& answer) {
            return answer.empty() || is_date(answer)
                       ? ""
                       : "a date is a year, month or day that was: 2022, 2022-10 or 2022-10-04";
        });
    entry["launched"] =
        launched.empty() ? Questions::unknown() : Json{{"value", launched}, {"source", "given"}};
    for (const char* precision : {"fp64", "fp32", "fp16", "int8"})
        entry["theoretical_peaks_gops"][precision] = questions.figure(
            fmt::format("Dense {} peak in 10^9 operations per second (empty: unknown)", precision));
    entry["memory"] = {
        {"type", "unknown"},
        {"bandwidth_gbps", questions.figure("Memory bandwidth in GB/s (empty: unknown)")}};
    entry["tdp_w"] = questions.figure("Thermal design power in W (empty: unknown)");
}

}  // namespace

Result<HardwareSpec> product_from_answers(const HardwareDatabase& database, const AskLine& ask,
                                          const std::function<void(const std::string&)>& complain) {
    Questions questions(ask, complain);
    Json entry = identity(questions, database);
    detection(questions, entry);
    figures(questions, entry);
    if (questions.ended())
        return failed("the input ended before the last question; nothing was written");
    return spec_from_json(std::move(entry), "the new entry");
}

}  // namespace peakward::cli
