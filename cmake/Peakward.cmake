# Helpers of this build: one function per kind of target, so that every folder reads the same.

option(PEAKWARD_PCH "Precompile the common headers" ON)

add_library(peakward_options INTERFACE)
target_compile_options(peakward_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wconversion -Wno-sign-conversion)
target_include_directories(peakward_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
# Debian's hardening, for what users run (dpkg-buildflags; PIE is the compiler's default there).
# Fortified calls need optimisation, and the sanitizers have their own checks.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(peakward_options INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -Wformat -Werror=format-security
        -fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(peakward_options INTERFACE -fcf-protection)
    endif()
    target_link_options(peakward_options INTERFACE -Wl,-z,relro -Wl,-z,now)
endif()

# A folder that has no sources yet still configures, so that its neighbours can be built.
function(peakward_or_empty sources_variable)
    if(NOT ${sources_variable})
        file(WRITE ${CMAKE_BINARY_DIR}/empty.cpp "")
        set(${sources_variable} ${CMAKE_BINARY_DIR}/empty.cpp PARENT_SCOPE)
    endif()
endfunction()

# peakward_stage(NAME DEPENDS core catalog LIBRARIES fmt::fmt): a library peakward::NAME from all
# .cpp files below this folder.
function(peakward_stage name)
    cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES;EXCLUDE" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    foreach(excluded ${ARG_EXCLUDE})
        list(FILTER sources EXCLUDE REGEX ${excluded})
    endforeach()
    peakward_or_empty(sources)
    add_library(peakward_${name} STATIC ${sources})
    add_library(peakward::${name} ALIAS peakward_${name})
    target_link_libraries(peakward_${name} PUBLIC peakward_options)
    foreach(dependency ${ARG_DEPENDS})
        target_link_libraries(peakward_${name} PUBLIC peakward::${dependency})
    endforeach()
    target_link_libraries(peakward_${name} PRIVATE ${ARG_LIBRARIES})
    if(PEAKWARD_PCH AND NOT name STREQUAL core)
        target_precompile_headers(peakward_${name} REUSE_FROM peakward_core)
    endif()
endfunction()

# peakward_tests(NAME DEPENDS ... LABELS ...): tests/NAME/*_test.cpp as one program under CTest.
# A file named *_slow_test.cpp carries the label slow.
function(peakward_tests name)
    cmake_parse_arguments(ARG "" "" "DEPENDS;LABELS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    peakward_or_empty(sources)
    add_executable(peakward_${name}_tests ${sources})
    target_link_libraries(peakward_${name}_tests PRIVATE peakward_options GTest::gmock GTest::gtest_main)
    foreach(dependency ${ARG_DEPENDS})
        target_link_libraries(peakward_${name}_tests PRIVATE peakward::${dependency})
    endforeach()
    target_compile_definitions(peakward_${name}_tests PRIVATE
        PEAKWARD_SOURCE_DIR="${CMAKE_SOURCE_DIR}" PEAKWARD_BINARY_DIR="${CMAKE_BINARY_DIR}")
    target_include_directories(peakward_${name}_tests PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    if(CMAKE_CROSSCOMPILING)
        target_compile_definitions(peakward_${name}_tests PRIVATE PEAKWARD_TEST_EMULATED)
    endif()
    # Tests are compiled far more often than they are run: -O1 costs two thirds of -O2, and unlike
    # -O0 it can use the precompiled header of an optimised core.
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        target_compile_options(peakward_${name}_tests PRIVATE -O1)
    endif()
    # clang takes 50 s for a batch of instrumented tests with -O1, and 19 s without optimisation.
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
        target_compile_options(peakward_${name}_tests PRIVATE -O0)
    elseif(PEAKWARD_PCH)
        target_precompile_headers(peakward_${name}_tests REUSE_FROM peakward_core)
    endif()
    include(GoogleTest)
    if(NOT ARG_LABELS)
        set(ARG_LABELS unit)
    endif()
    # A test that hangs is ended. Instrumented ones take up to ten times as long.
    set(timeout 120)
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
        set(timeout 600)
    endif()
    gtest_discover_tests(peakward_${name}_tests DISCOVERY_TIMEOUT 60
        PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${timeout})
endfunction()

# peakward_fake_library(TARGET SOURCE): a library that a test loads at run time. It is not instrumented, as
# no library of a vendor is: its functions have types of their own, which UBSan would refuse to call.
function(peakward_fake_library target source)
    add_library(${target} MODULE ${source})
    target_compile_options(${target} PRIVATE -fno-sanitize=all)
endfunction()

# peakward_worker(NAME LIBRARIES ...): an executable peakward-worker-NAME, found beside the program
# in a build and in libexec/peakward/workers after an install.
function(peakward_worker name)
    cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    peakward_or_empty(sources)
    add_executable(peakward-worker-${name} ${sources})
    target_link_libraries(peakward-worker-${name} PRIVATE peakward_options peakward::worker_sdk ${ARG_LIBRARIES})
    set_target_properties(peakward-worker-${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/libexec/peakward/workers)
    install(TARGETS peakward-worker-${name} DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/peakward/workers)
endfunction()

# peakward_embed(TARGET SYMBOL files...): compiles files into `SYMBOL`, a function in namespace
# peakward::embedded that returns a span of {name, content}; declared in "embedded/SYMBOL.hpp".
function(peakward_embed target symbol)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded)
    add_custom_command(
        OUTPUT ${out}/${symbol}.cpp ${out}/${symbol}.hpp
        COMMAND ${CMAKE_COMMAND} -DSYMBOL=${symbol} -DOUT=${out} "-DFILES=${ARGN}"
                -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out}/${symbol}.cpp)
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
    set_source_files_properties(${out}/${symbol}.cpp PROPERTIES
        SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# peakward_note("text"): one line of the summary that configuring prints at its end.
function(peakward_note text)
    set_property(GLOBAL APPEND PROPERTY PEAKWARD_NOTES "${text}")
endfunction()
function(peakward_print_summary)
    get_property(notes GLOBAL PROPERTY PEAKWARD_NOTES)
    message(STATUS "peakward ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}, ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, ${CMAKE_SYSTEM_PROCESSOR}")
    foreach(note ${notes})
        message(STATUS "  ${note}")
    endforeach()
endfunction()
