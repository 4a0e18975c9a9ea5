// A report of many chapters in one file: facts, sentences, tables and plots in the order of
// reading. Results give Tables and Plots; every format of documents renders any Document.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "present/plot.hpp"
#include "present/report.hpp"

namespace peakward {

struct Heading {
    std::string text;
};
struct Facts {
    std::vector<Field> fields;
};
using Block = std::variant<Heading, Paragraph, Facts, Table, Plot>;

struct Chapter {
    std::string id;  // "precision-matrix": what links name; unique, of a-z, 0-9 and "-"
    std::string title;
    std::vector<Block> blocks;  // none: the chapter is left out
};

struct Document {
    std::string title;
    std::string lead;          // one sentence below the title
    std::vector<Field> facts;  // of the whole document, at its head
    std::vector<Chapter> chapters;
    std::string end;  // one sentence at the very end
};

// A section of a page as part of a chapter, under a heading of its own where it has a title.
void append(Chapter& chapter, const Section& section);

enum class DocumentFormat { html, markdown };
// By the ending of a file's name: ".html", ".md".
std::optional<DocumentFormat> document_format_of(std::string_view path);
std::vector<std::string> document_endings();

// HTML is one file that needs no other and asks nobody for anything: style, script and plotting
// library stand in it, its policy forbids every request, and only its own script may run. Whatever
// comes from data is escaped. Without a script it shows still plots and the same tables. In both
// formats absolute paths are cut to their last part, but for those of the system.
std::string render(const Document& document, DocumentFormat format);

}  // namespace peakward
