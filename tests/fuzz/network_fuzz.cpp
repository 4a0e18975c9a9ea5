// The files of a network, as they are found in a cache folder.
#include "fuzz/properties.hpp"
#include "fuzz/scratch.hpp"
#include "fuzz/targets.hpp"
#include "networks/formats.hpp"

namespace peakward::fuzz {

std::string network_manifest(std::string_view bytes) {
    static const Scratch scratch;
    std::int64_t total = 0;
    for (const char* name :
         {"model.onnx", "graph.json", "weights.bin", "input.bin", "output.bin"}) {
        scratch.write(name, name);
        total += static_cast<std::int64_t>(std::string_view(name).size());
    }
    scratch.write("manifest.json", bytes);
    const auto found = detail::sound_bytes(scratch.folder());
    return !found || *found == total ? "" : "the files of a network are of another size";
}

std::string onnx_model(std::string_view bytes) {
    static const Scratch scratch;
    scratch.write("weights.bin", std::string(64, '\0'));
    const auto checked = detail::check_onnx(scratch.write("model.onnx", bytes));
    return checked ? "" : broken_refusal(checked.error());
}

}  // namespace peakward::fuzz
