// STREAM's four kernels and STREAM's way of counting: copy and scale move two arrays, add and triad
// three; the write-allocate of a temporal store is not counted (J. McCalpin, STREAM benchmark,
// https://www.cs.virginia.edu/stream/ref.html). The bus estimate adds it.
#include "catalog/operations/operations.hpp"

namespace peakward::catalog {
namespace {

double elements(const Case& what) { return static_cast<double>(axis(what.shape, "elements")); }

template <int Arrays>
Bytes counted(const Case& what) {
    return Bytes(Arrays * elements(what) * element_bytes(what));
}
// A CPU's temporal store reads the line it is about to overwrite: one array more. A GPU writes
// whole sectors and reads none of them.
template <int Arrays>
Bytes on_the_bus(const Case& what) {
    const bool allocates = what.device == "cpu" && axis_word(what.shape, "store") == "temporal";
    return Bytes((Arrays + (allocates ? 1 : 0)) * elements(what) * element_bytes(what));
}
template <int PerElement>
Operations arithmetic(const Case& what) {
    return Operations(PerElement * elements(what));
}

Operation stream(const char* name, int definition_version, const char* title) {
    Operation op;
    op.name = name;
    op.definition_version = definition_version;
    op.title = title;
    op.layer = "micro";
    op.kind = OperationClass::memory;
    op.axes = {{"elements", "elements of each array", {}},
               {"store", "kind of store instruction", {"temporal", "nontemporal"}}};
    op.precisions = {"fp64", "fp32"};
    // One rounding a pass, and a handful of passes before the check.
    op.tolerance = [](const Case& what) { return 32 * unit_roundoff(what); };
    op.reference = "closed form of every element after the passes made";
    return op;
}

}  // namespace

Operation stream_copy() {
    Operation op = stream("stream_copy", 1, "c = a");
    op.operations = arithmetic<0>;
    op.bytes = counted<2>;
    op.bus_bytes = on_the_bus<2>;
    return op;
}
Operation stream_scale() {
    Operation op = stream("stream_scale", 1, "b = s c");
    op.operations = arithmetic<1>;
    op.bytes = counted<2>;
    op.bus_bytes = on_the_bus<2>;
    return op;
}
Operation stream_add() {
    Operation op = stream("stream_add", 1, "c = a + b");
    op.operations = arithmetic<1>;
    op.bytes = counted<3>;
    op.bus_bytes = on_the_bus<3>;
    return op;
}
// Beside STREAM: the copy that a device's own driver makes within its memory.
Operation device_copy() {
    Operation op = stream("device_copy", 1, "c = a by the device's driver");
    op.axes = {{"elements", "elements of each array", {}}, {"store", "who copies", {"driver"}}};
    op.operations = arithmetic<0>;
    op.bytes = counted<2>;
    op.bus_bytes = counted<2>;
    op.reference = "every element";
    return op;
}
Operation stream_triad() {
    Operation op = stream("stream_triad", 1, "a = b + s c");
    op.operations = arithmetic<2>;
    op.bytes = counted<3>;
    op.bus_bytes = on_the_bus<3>;
    return op;
}

}  // namespace peakward::catalog
