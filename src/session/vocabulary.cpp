#include "session/vocabulary.hpp"

#include "catalog/catalog.hpp"

namespace peakward {

Vocabulary vocabulary() {
    return {catalog::operation_names(), catalog::precision_names(), catalog::layer_names()};
}

}  // namespace peakward
