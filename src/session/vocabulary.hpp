// The closed vocabularies of a request, so that help, completion and messages name the same words
// as the catalog.
#pragma once

#include <string>
#include <vector>

namespace peakward {

struct Vocabulary {
    std::vector<std::string> operations, precisions, layers;
};
Vocabulary vocabulary();

}  // namespace peakward
