// Completion scripts for three shells. They are plain data after generation: no call back into the
// program while the user types.
#include "cli/reference.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

bool is_path(const std::string& argument) {
    return argument == "FILE" || argument == "FOLDER" || argument == "PROGRAM";
}

std::vector<std::string> all_names(const CommandDoc& command) {
    std::vector<std::string> names;
    for (const OptionDoc& option : command.options)
        names.insert(names.end(), option.names.begin(), option.names.end());
    return names;
}

// Legal words after the verb itself: actions of `db`, values of positionals.
std::vector<std::string> plain_words(const CommandDoc& command) {
    std::vector<std::string> words;
    for (const CommandDoc& sub : command.commands) words.push_back(sub.word());
    for (const OptionDoc& positional : command.positionals)
        words.insert(words.end(), positional.words.begin(), positional.words.end());
    return words;
}

// Inside single quotes of a POSIX shell.
std::string single_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + "'";
}

std::string first_sentence(const std::string& text) {
    const auto end = text.find(". ");
    std::string sentence = text.substr(0, end);
    if (sentence.ends_with('.')) sentence.pop_back();
    return sentence;
}

// zsh reads these inside a specification "--name[text]:message:action".
std::string zsh_text(const std::string& text) {
    std::string out;
    for (const char c : first_sentence(text)) {
        if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string bash_case(const CommandDoc& command) {
    std::string out = fmt::format("        {})\n", command.word());
    out += fmt::format("            options={}\n",
                       single_quoted(fmt::format("{}", fmt::join(all_names(command), " "))));
    out += fmt::format("            plain={}\n",
                       single_quoted(fmt::format("{}", fmt::join(plain_words(command), " "))));
    out += "            case $option in\n";
    for (const OptionDoc& option : command.options) {
        if (option.argument.empty()) continue;
        out += fmt::format("                {}) kind={} many={} words={} ;;\n",
                           fmt::join(option.names, "|"), is_path(option.argument) ? "path" : "word",
                           option.many ? 1 : 0,
                           single_quoted(fmt::format("{}", fmt::join(option.words, " "))));
    }
    out += "            esac ;;\n";
    return out;
}

}  // namespace

std::string bash_completion(const CommandDoc& program) {
    std::vector<std::string> verbs;
    std::string cases;
    for (const CommandDoc& sub : program.commands) {
        verbs.push_back(sub.word());
        cases += bash_case(sub);
    }
    const auto lines = [](std::initializer_list<std::string> parts) {
        return fmt::format("{}\n", fmt::join(parts, "\n"));
    };
    std::string out = lines({
        "# bash completion for peakward, written by: peakward completion bash",
        "_peakward() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} verb='' option='' kind='' many=0 words='' i",
        "    local options plain",
        "    COMPREPLY=()",
        "    [[ $cur == '=' ]] && cur=''",
        "    # The verb, and the option that the word at the cursor may belong to.",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        "        case ${COMP_WORDS[i]} in",
        "            -*) option=${COMP_WORDS[i]} ;;",
        "            *) [[ -z $verb ]] && verb=${COMP_WORDS[i]} ;;",
        "        esac",
        "    done",
        "    if [[ -z $verb ]]; then",
    });
    out += fmt::format("        COMPREPLY=($(compgen -W {} -- \"$cur\"))\n",
                       single_quoted(fmt::format("{} {}", fmt::join(verbs, " "),
                                                 fmt::join(all_names(program), " "))));
    out +=
        "        return\n    fi\n    case $verb in\n" + cases + "        *) return ;;\n    esac\n";
    out += lines({
        "    local previous=${COMP_WORDS[COMP_CWORD - 1]}",
        "    [[ $previous == '=' ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}",
        "    if [[ $cur == -* ]]; then",
        "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))",
        "    elif [[ -n $kind && ( $previous == \"$option\" || $many == 1 ) ]]; then",
        "        if [[ $kind == path ]]; then",
        "            compopt -o filenames 2> /dev/null",
        "            local IFS=$'\\n'",
        "            COMPREPLY=($(compgen -f -- \"$cur\"))",
        "        else",
        "            # A list may be written with commas: complete what stands after the last one.",
        "            local before=''",
        "            [[ $many == 1 && $cur == *,* ]] && before=${cur%,*},",
        "            COMPREPLY=($(compgen -P \"$before\" -W \"$words\" -- \"${cur##*,}\"))",
        "        fi",
        "    else",
        "        COMPREPLY=($(compgen -W \"$plain\" -- \"$cur\"))",
        "    fi",
        "}",
        "complete -F _peakward peakward",
    });
    return out;
}

std::string zsh_completion(const CommandDoc& program) {
    std::string out =
        "#compdef peakward\n# zsh completion for peakward, written by: peakward completion zsh\n";
    out += "_peakward() {\n    local -a verbs\n    verbs=(\n";
    for (const CommandDoc& sub : program.commands)
        out += "        " + single_quoted(sub.word() + ":" + zsh_text(sub.summary)) + "\n";
    out += "    )\n";
    out +=
        "    if (( CURRENT == 2 )); then\n        _describe -t verbs verb verbs\n        return\n  "
        "  fi\n";
    out += "    local verb=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $verb in\n";
    for (const CommandDoc& sub : program.commands) {
        out += fmt::format("        {})\n            _arguments -s", sub.word());
        for (const OptionDoc& option : sub.options) {
            std::string action;
            if (!option.argument.empty()) {
                action = ":" + option.argument + ":";
                if (is_path(option.argument))
                    action += "_files";
                else if (option.many && !option.words.empty())
                    action += fmt::format("_sequence compadd - {}", fmt::join(option.words, " "));
                else if (!option.words.empty())
                    action += fmt::format("({})", fmt::join(option.words, " "));
            }
            for (const std::string& name : option.names)
                out += " \\\n                " +
                       single_quoted((option.many ? "*" : "") + name + "[" +
                                     zsh_text(option.description) + "]" + action);
        }
        const auto words = plain_words(sub);
        if (!words.empty())
            out += " \\\n                " +
                   single_quoted(fmt::format("*:word:({})", fmt::join(words, " ")));
        out += " ;;\n";
    }
    out += "    esac\n}\n_peakward \"$@\"\n";
    return out;
}

std::string fish_completion(const CommandDoc& program) {
    std::string out = "# fish completion for peakward, written by: peakward completion fish\n";
    out += "complete -c peakward -f\n";
    for (const CommandDoc& sub : program.commands)
        out += fmt::format("complete -c peakward -n __fish_use_subcommand -a {} -d {}\n",
                           sub.word(), single_quoted(first_sentence(sub.summary)));
    for (const CommandDoc& sub : program.commands) {
        const std::string when =
            fmt::format("complete -c peakward -n {}",
                        single_quoted("__fish_seen_subcommand_from " + sub.word()));
        for (const OptionDoc& option : sub.options) {
            std::string line = when;
            for (const std::string& name : option.names)
                line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!option.argument.empty()) line += is_path(option.argument) ? " -r -F" : " -x";
            if (!option.words.empty())
                line += " -a " + single_quoted(fmt::format("{}", fmt::join(option.words, " ")));
            out += line + " -d " + single_quoted(first_sentence(option.description)) + "\n";
        }
        const auto words = plain_words(sub);
        if (!words.empty())
            out += when + " -a " + single_quoted(fmt::format("{}", fmt::join(words, " "))) + "\n";
    }
    return out;
}

}  // namespace peakward::cli
