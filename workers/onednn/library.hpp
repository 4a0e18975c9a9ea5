// The oneDNN that is loaded: what it is, its number of threads, its one CPU engine.
#pragma once

#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

namespace peakward::worker::onednn {

// The CPU engine of this process, made on the first call. Before it is made the kernel is asked for
// permission to use AMX's tiles; where it refuses, oneDNN uses what is below AMX, and says so in
// the names of its implementations.
const dnnl::engine& cpu_engine();

// "2.6.3"
std::string library_version();
// "avx512_core": the widest instruction set that oneDNN uses here.
std::string instruction_set();
// What `hello` reports: {"onednn": "2.6.3", "runtime": "OpenMP libgomp.so.1.0.0",
// "cpu_isa": "avx512_core"}.
std::map<std::string, std::string> versions();

// Empty when this many threads can be had, else the reason.
std::string refuses_threads(int threads);
// The number of threads that primitives are made for and run with, from here on. Throws when the
// runtime keeps another one.
void set_threads(int threads);
int threads_in_force();

}  // namespace peakward::worker::onednn
