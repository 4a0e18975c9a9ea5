// Which products a host is made of, each with its confidence and what showed it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/records.hpp"
#include "hardware/database.hpp"

namespace peakward {

// What patterns look at. Empty and absent: the host does not say.
struct HostFacts {
    struct Gpu {
        std::string device;  // "cuda:0"; of one that no run can use its place on the bus
        std::string model, pci_id;
        std::string compute_capability = {};   // "9.0", "" when not known
        bool is_named_by_driver = true;        // else the model is what a table says of the PCI id
        std::optional<double> memory_gb = {};  // of its own; in GiB
        std::string unusable = {};             // why no run can use it; "": one can
    };
    std::string architecture;  // "x86_64"
    std::string cpu_model, cpu_vendor, product_name;
    std::string microarchitecture;  // as detection recognised it, by family, model and stepping
    std::optional<int> cpu_family, cpu_model_number, cpu_stepping, cores_per_socket;
    std::vector<std::string> isa;          // what kernels can use
    std::vector<std::string> device_tree;  // "compatible" names
    std::vector<Gpu> gpus;
};
HostFacts host_facts(const Context& context);

struct Candidate {
    const HardwareSpec* spec = nullptr;
    double confidence = 0;
    std::string reason;
};

// What a device was taken for. With no candidate, with two that are equally likely or with a
// doubtful one (below confidence_least), `product` is null and `verdict` says why: an architecture
// is then all that is known. What the host shows against a product (its name, memory, revision,
// instruction sets) outweighs every pattern that fits: such a product is no candidate.
inline constexpr double confidence_least = 0.5;
struct DeviceMatch {
    std::string device;  // "cpu", "cuda:0", "board"
    const HardwareSpec* product = nullptr;
    double confidence = 0;
    std::string verdict;       // one sentence
    std::string architecture;  // "sapphire_rapids", "" when not recognised
    double architecture_confidence = 0;
    std::vector<Candidate> candidates;  // most confident first
};

class Matcher {
public:
    // Refers to the database; its broken patterns match nothing (problems_of() names them).
    explicit Matcher(const HardwareDatabase& database);
    ~Matcher();
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;

    // The board first (where a product says that the host is one), then the CPU, then each GPU.
    std::vector<DeviceMatch> match(const HostFacts& host) const;

private:
    struct Compiled;
    // A device while patterns are tried on it.
    struct Matching {
        DeviceMatch match;
        std::vector<std::string> contradictions;
    };
    static void keep(const Compiled& compiled, std::string contradiction, Matching& matching);
    bool names(const HardwareSpec& spec, const std::string& model) const;
    std::string gpu_contradiction(const HardwareSpec& spec, const HostFacts::Gpu& gpu) const;
    void match_gpus(const Compiled& compiled, const HostFacts& host,
                    std::vector<Matching>& gpus) const;
    void name_design(const HostFacts& host, DeviceMatch& cpu) const;

    std::vector<Compiled> patterns_;
    const std::vector<Architecture>& architectures_;
};

// The entry of one device; null when there is none.
const DeviceMatch* find_device(const std::vector<DeviceMatch>& matches, const std::string& device);

}  // namespace peakward
