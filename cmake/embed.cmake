# Writes OUT/SYMBOL.{hpp,cpp}: the FILES' names (without folder and extension) and contents.
set(body "")
separate_arguments(FILES)
foreach(file ${FILES})
    file(READ ${file} content)
    get_filename_component(name ${file} NAME_WE)
    # String literals have a limit in some compilers; split at 8 KiB.
    string(LENGTH "${content}" length)
    set(pieces "")
    set(at 0)
    while(at LESS length)
        string(SUBSTRING "${content}" ${at} 8192 piece)
        string(APPEND pieces "R\"PKW_(${piece})PKW_\"\n")
        math(EXPR at "${at} + 8192")
    endwhile()
    string(APPEND body "    {\"${name}\",\n${pieces}},\n")
endforeach()
file(WRITE ${OUT}/${SYMBOL}.hpp
"#pragma once
#include <span>
#include <string_view>
// One type for all generated headers, of which a source may include several.
#ifndef PEAKWARD_EMBEDDED_FILE
#define PEAKWARD_EMBEDDED_FILE
namespace peakward::embedded {
struct File { std::string_view name, content; };
}
#endif
namespace peakward::embedded {
std::span<const File> ${SYMBOL}();
}
")
file(WRITE ${OUT}/${SYMBOL}.cpp
"#include \"embedded/${SYMBOL}.hpp\"
namespace peakward::embedded {
namespace { const File files[] = {
${body}}; }
std::span<const File> ${SYMBOL}() { return files; }
}
")
