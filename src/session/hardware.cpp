#include "session/hardware.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "core/posix.hpp"
#include "core/text.hpp"
#include "hardware/resource_model.hpp"
#include "session/history.hpp"
#include "session/import_parts.hpp"
#include "session/products.hpp"
#include "session/profile.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t entry_bytes_max = 4u << 20;

std::string day_of(Clock& clock) {
    const std::time_t now = std::chrono::system_clock::to_time_t(clock.wall_now());
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

Result<std::string> entry_text(const std::string& path) {
    std::error_code error;
    if (!fs::exists(path, error))
        return failed(
            fmt::format("{}: {}", path,
                        error ? "cannot be read: " + error.message() : "there is no such file"));
    if (!fs::is_regular_file(path, error))
        return failed(fmt::format("{}: not a regular file", path));
    return read_whole_file(path, entry_bytes_max);
}

// Names that the entry would share with another one.
std::vector<std::string> clashes(const HardwareSpec& spec, const HardwareDatabase& database) {
    std::vector<std::string> found;
    for (const std::string& alias : spec.aliases)
        if (const HardwareSpec* other = database.find(alias); other && other->id != spec.id)
            found.push_back(fmt::format("aliases: '{}' is also a name of {}", alias, other->id));
    for (const std::string& part : spec.contains)
        if (!database.find(part))
            found.push_back(fmt::format("contains: '{}' is not in the database", part));
    return found;
}

std::vector<std::string> older_files(const std::string& path, ProductImport& import) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return {path};
    std::vector<std::string> files;
    fs::recursive_directory_iterator it(path, error), end;
    for (; !error && it != end; it.increment(error))
        if (it->is_regular_file(error) && it->path().extension() == ".json")
            files.push_back(it->path().string());
    if (error) import.refused.emplace_back(path, "cannot be read: " + error.message());
    std::sort(files.begin(), files.end());
    return files;
}

// The files by the product they describe; the same file twice is one.
std::vector<std::vector<OlderFile>> older_products(const std::vector<std::string>& paths,
                                                   ProductImport& import) {
    std::vector<std::vector<OlderFile>> products;
    for (const std::string& path : paths)
        for (const std::string& name : older_files(path, import)) {
            const auto text = entry_text(name);
            auto file = text ? read_older(*text, name)
                             : Result<OlderFile>(tl::make_unexpected(text.error()));
            if (!file) {
                import.refused.emplace_back(name, file.error().message);
                continue;
            }
            const auto same =
                std::find_if(products.begin(), products.end(),
                             [&](const auto& files) { return files.front().id == file->id; });
            if (same == products.end()) {
                products.push_back({std::move(*file)});
                continue;
            }
            const bool again = std::any_of(same->begin(), same->end(), [&](const OlderFile& known) {
                return known.document == file->document;
            });
            if (again)
                import.duplicates.emplace_back(name, file->id);
            else
                same->push_back(std::move(*file));
        }
    return products;
}

// Rows that speak of a part of the product, or of another one, say nothing of the product. Neither
// do rows of an unknown power mode, unless the user says which it was.
bool speaks_of_the_product(const Score& score, bool mode_is_given) {
    return std::none_of(score.flags.begin(), score.flags.end(), [&](const std::string& flag) {
        return flag == "product_in_part" || flag == "platform_check_skipped" ||
               flag == "device_fallback" || flag == "above_theoretical" ||
               (flag == "power_mode_unknown" && !mode_is_given);
    });
}

Result<MeasuredProduct> measured_in(const Run& run, const std::string& device,
                                    const std::string& product, bool mode_is_given) {
    MeasuredProduct measured;
    measured.timestamp = run.timestamp;
    measured.origin = "run " + run.run_id;
    std::string why;
    // A run speaks of all its sockets, an entry of one processor.
    const double sockets =
        device == "cpu" ? std::max(1, run.context.hardware.cpu.sockets.value_or(1)) : 1;
    for (const Score& score : run.results) {
        if (score.device != device) continue;
        if (!speaks_of_the_product(score, mode_is_given)) {
            why = score.notes.empty() ? score.flags.front() : score.notes.front();
            continue;
        }
        MeasuredDevice row;
        row.backend = score.backend;
        if (score.peak_measured_gops)
            row.peaks_gops[score.precision] = *score.peak_measured_gops / sockets;
        if (score.stream_best_gbps) row.bandwidth_gbps = *score.stream_best_gbps / sockets;
        measured.backends.push_back(std::move(row));
    }
    if (measured.backends.empty())
        return failed(fmt::format("run {} says nothing of {}: {}", run.run_id, product,
                                  why.empty() ? "nothing was measured on " + device : why));
    return measured;
}

// The device of a run that is the product, and the power mode it was in.
struct RunDevice {
    std::string device, mode;
};
Result<RunDevice> device_in(const Run& run, const HardwareSpec& spec,
                            const HardwareDatabase& database) {
    std::vector<MatchedProduct> products = run.products;
    if (products.empty())
        products = products_of(Matcher(database).match(host_facts(run.context)), run.context,
                               nullptr, {}, database);
    std::vector<std::string> seen;
    for (const MatchedProduct& product : products) {
        if (product.product == spec.id) return RunDevice{product.device, product.power_mode};
        seen.push_back(product.product);
    }
    return failed(fmt::format("run {} was not made on {}: {}", run.run_id, spec.id,
                              seen.empty()
                                  ? "its machine names no product of the database"
                                  : fmt::format("it was made on {}", fmt::join(seen, ", "))));
}

struct Measured {
    MeasuredProduct product;
    std::string mode;  // as the run recorded it; "" when it does not say
};
Result<Measured> measured_of_run(const CalibrationSource& source, const HardwareSpec& spec,
                                 const HardwareDatabase& database) {
    const auto run = find_run(source.db, source.run);
    if (!run) return tl::make_unexpected(run.error());
    const auto device = device_in(*run, spec, database);
    if (!device) return tl::make_unexpected(device.error());
    auto measured = measured_in(*run, device->device, spec.id, !source.power_mode.empty());
    if (!measured) return tl::make_unexpected(measured.error());
    return Measured{std::move(*measured), device->mode};
}

// "" when the profile was made on this product, by the name of its hardware; else why it is not
// taken for it.
std::string why_not_of(const Profile& profile, const HardwareSpec& spec,
                       const HardwareDatabase& database) {
    for (const char* flag :
         {"platform_check_skipped", "device_fallback", "platform_mismatch", "hardware_unnamed"})
        if (std::find(profile.flags.begin(), profile.flags.end(), flag) != profile.flags.end())
            return fmt::format("its run is flagged {}", flag);
    HostFacts host;
    host.architecture = profile.platform_architecture;
    if (profile.device == "cpu")
        host.cpu_model = profile.hardware_name;
    else
        host.gpus.push_back({profile.device, profile.hardware_name, ""});
    const auto matches = Matcher(database).match(host);
    const DeviceMatch* match = find_device(matches, profile.device);
    if (match && match->product && match->product->id == spec.id) return "";
    // Files of the older tool name the product where the host does not.
    const HardwareSpec* called = product_called(profile.hardware_name, database);
    if ((!match || !match->product) && called && called->id == spec.id) return "";
    return fmt::format(
        "it was made on '{}', which {}", profile.hardware_name,
        match && match->product ? "is " + match->product->id : "names no product of the database");
}

// One processor or GPU as the scores read it: memory where copy found the plateau, and a matrix
// product only where no kernel was made for the peak (METHODS 2).
MeasuredDevice measured_in(const Profile& profile) {
    MeasuredDevice row;
    row.backend = profile.framework;
    std::int64_t plateau = 0;
    std::map<std::string, double> gemm, peak;
    for (const ProfilePoint& point : profile.points) {
        const std::string& operation = point.what.operation;
        if (operation.starts_with("stream_") && operation != "stream_triad")
            plateau = std::max(plateau, axis(point.what.shape, "elements"));
        if (operation == "gemm" || operation == "compute_peak") {
            double& best = (operation == "gemm" ? gemm : peak)[point.what.precision];
            best = std::max(best, point.gops);
        }
    }
    for (const ProfilePoint& point : profile.points)
        if (point.what.operation.starts_with("stream_") && plateau > 0 &&
            axis(point.what.shape, "elements") >= plateau)
            row.bandwidth_gbps = std::max(row.bandwidth_gbps.value_or(0), point.gbps);
    row.peaks_gops = std::move(peak);
    row.peaks_gops.merge(gemm);
    return row;
}

Result<Measured> measured_of_file(const CalibrationSource& source, const HardwareSpec& spec,
                                  const HardwareDatabase& database) {
    const auto profiles = load_profiles(source.file);
    if (!profiles) return tl::make_unexpected(profiles.error());
    Measured measured;
    measured.product.origin = source.file;
    const bool cpu = spec.kind == "cpu";
    for (const Profile& profile : *profiles) {
        if ((profile.device == "cpu") != cpu) continue;
        if (const std::string why = why_not_of(profile, spec, database); !why.empty())
            return failed(fmt::format("{}: no profile of {}: {}", source.file, spec.id, why));
        double cores = 0;
        for (const CoreGroup& group : cores_in(spec, source.power_mode))
            cores += group.count ? *group.count.value : 0;
        // 0: an older profile, which does not record them and always used the whole processor.
        if (cpu && cores > 0 && profile.threads > 0 && profile.threads != static_cast<int>(cores))
            return failed(
                fmt::format("{}: {} threads were used, and {} has {:.0f} cores: only a run on the "
                            "whole of one processor speaks of it; peakward hardware "
                            "export-calibration --run takes several sockets apart",
                            source.file, profile.threads, spec.id, cores));
        measured.product.timestamp = std::max(measured.product.timestamp, profile.timestamp);
        measured.product.backends.push_back(measured_in(profile));
    }
    if (measured.product.backends.empty())
        return failed(fmt::format("{}: holds no profile of a {}", source.file, spec.kind));
    return measured;
}

// Adds the models of other products that an earlier sync wrote into this folder, in the order of
// the database; those that it no longer has come last.
Status keep_other_models(const std::string& folder, const std::vector<const HardwareSpec*>& specs,
                         const HardwareDatabase& database, Json& models) {
    const std::string path = (fs::path(folder) / resource_document_name).string();
    std::error_code error;
    if (fs::exists(path, error)) {
        const auto text = read_whole_file(path);
        if (!text) return tl::make_unexpected(text.error());
        const auto earlier = read_resource_models(*text, path);
        if (!earlier) return tl::make_unexpected(earlier.error());
        for (const Json& model : *earlier)
            if (std::none_of(specs.begin(), specs.end(), [&](const HardwareSpec* spec) {
                    return model.at("id") == Json(spec->id);
                }))
                models.push_back(model);
    }
    const auto place = [&](const Json& model) {
        const auto at =
            std::find_if(database.specs.begin(), database.specs.end(),
                         [&](const HardwareSpec& spec) { return model.at("id") == Json(spec.id); });
        return std::distance(database.specs.begin(), at);
    };
    std::stable_sort(models.begin(), models.end(),
                     [&](const Json& a, const Json& b) { return place(a) < place(b); });
    return {};
}

// All of them or none: what is written lies beside its place until the last one is.
Status write_together(const std::vector<std::pair<std::string, std::string>>& files) {
    constexpr const char* beside = ".new";
    std::error_code error;
    const auto clear = [&] {
        for (const auto& [path, content] : files) fs::remove(path + beside, error);
    };
    for (const auto& [path, content] : files)
        if (auto written = write_file_atomically(path + beside, content); !written) {
            clear();
            return written;
        }
    for (const auto& [path, content] : files) {
        fs::rename(path + beside, path, error);
        if (!error) continue;
        const std::string why = error.message();
        clear();
        return failed(fmt::format("cannot write {}: {}", path, why));
    }
    return {};
}

}  // namespace

HardwareDatabase hardware_database() { return load_hardware(user_hardware_folder()); }

DetectedHardware detect_hardware(const Machine& machine, const HardwareDatabase& database) {
    DetectedHardware detected;
    detected.host = host_facts(read_context(machine, {}));
    detected.devices = Matcher(database).match(detected.host);
    return detected;
}

Result<HardwareSpec> draft_product(const Machine& machine, const std::string& device,
                                   const DraftOptions& options) {
    auto draft = draft_entry(read_context(machine, {}), device, day_of(machine.clock), options);
    if (!draft) return tl::make_unexpected(draft.error());
    return spec_from_json(std::move(*draft), "the entry made of " + device);
}

Result<HardwareSpec> read_product(const std::string& path) {
    const auto text = entry_text(path);
    if (!text) return tl::make_unexpected(text.error());
    auto spec = read_spec(*text, path);
    if (!spec) return spec;
    if (const auto problems = validate_product(path); !problems.empty())
        return failed(problems.front());
    return spec;
}

std::vector<std::string> validate_product(const std::string& path) {
    const auto text = entry_text(path);
    if (!text) return {text.error().message};
    const auto spec = read_spec(*text, path);
    if (!spec) return {spec.error().message};
    std::vector<std::string> problems = problems_of(*spec);
    for (std::string& problem : schema_problems(spec->document))
        problems.push_back(std::move(problem));
    for (std::string& clash : clashes(*spec, hardware_database()))
        problems.push_back(std::move(clash));
    for (std::string& problem : problems) problem = fmt::format("{}: {}", path, problem);
    return problems;
}

ValidatedDatabase validate_database() {
    ValidatedDatabase validated;
    const HardwareDatabase database = hardware_database();
    validated.products = static_cast<int>(database.specs.size());
    validated.with_schema = has_schema_library();
    validated.problems = database.problems;
    for (const HardwareSpec& spec : database.specs) {
        const std::string& name = spec.origin.empty() ? spec.id : spec.origin;
        for (const std::string& problem : problems_of(spec))
            validated.problems.push_back(fmt::format("{}: {}", name, problem));
        for (const std::string& problem : schema_problems(spec.document))
            validated.problems.push_back(fmt::format("{}: {}", name, problem));
    }
    for (std::string& problem : problems_between(database))
        validated.problems.push_back(std::move(problem));
    return validated;
}

Result<std::string> add_product(const HardwareSpec& spec, bool replace) {
    const HardwareDatabase database = hardware_database();
    const HardwareSpec* there = database.find(spec.id);
    if (there && there->id != spec.id)
        return failed(
            fmt::format("{} is another name of {}, which is in the database: correct that one with "
                        "peakward hardware update, or give yours another id",
                        spec.id, there->id));
    if (there && !replace)
        return failed(
            fmt::format("{}: the id exists already ({}); correct it with peakward "
                        "hardware update, or put this in its place with --replace",
                        spec.id, there->origin.empty() ? "compiled in" : there->origin));
    if (const auto found = clashes(spec, database); !found.empty())
        return failed(fmt::format("{}: {}", spec.id, found.front()));
    HardwareSpec entry = spec;
    entry.origin = there ? there->origin : "";
    return write_entry(user_hardware_folder(), entry);
}

Result<UpdatedProduct> update_product(const std::string& name,
                                      const std::vector<Correction>& corrections,
                                      const std::string& source, const Machine& machine) {
    const HardwareDatabase database = hardware_database();
    const auto spec = need_product(database, name);
    if (!spec) return tl::make_unexpected(spec.error());
    const auto made = corrected(**spec, corrections, source, day_of(machine.clock));
    if (!made) return tl::make_unexpected(made.error());
    auto path = write_entry(user_hardware_folder(), *made);
    if (!path) return tl::make_unexpected(path.error());
    return UpdatedProduct{made->id, *path, made->spec_version};
}

Result<std::string> delete_product(const std::string& name) {
    const HardwareDatabase database = hardware_database();
    const auto spec = need_product(database, name);
    if (!spec) return tl::make_unexpected(spec.error());
    if ((*spec)->origin.empty())
        return wrong_usage(
            fmt::format("{} is compiled in and cannot be deleted; only entries of {} can",
                        (*spec)->id, user_hardware_folder()));
    std::error_code error;
    if (!fs::remove((*spec)->origin, error) || error)
        return failed(fmt::format("{}: cannot be removed: {}", (*spec)->origin, error.message()));
    return (*spec)->origin;
}

ProductImport import_products(const std::vector<std::string>& paths, bool replace,
                              const Machine& machine) {
    ProductImport import;
    for (const std::vector<OlderFile>& files : older_products(paths, import)) {
        const std::string& id = files.front().id;
        const auto for_each_file = [&](auto&& what) {
            for (const OlderFile& file : files) what(file.path);
        };
        const auto refuse = [&](const std::string& reason) {
            for_each_file(
                [&](const std::string& path) { import.refused.emplace_back(path, reason); });
        };
        const auto older = older_entry(files, day_of(machine.clock));
        if (!older) {
            refuse(older.error().message);
            continue;
        }
        if (!replace && hardware_database().find(id)) {
            for_each_file(
                [&](const std::string& path) { import.duplicates.emplace_back(path, id); });
            continue;
        }
        const auto written = add_product(older->spec, replace);
        if (!written) {
            refuse(written.error().message);
            continue;
        }
        std::vector<std::string> remarks = older->remarks;
        for (std::size_t i = 1; i < files.size(); ++i)
            remarks.push_back(
                fmt::format("{} describes the same product and completed it", files[i].path));
        import.imported.push_back({files.front().path, id, *written, std::move(remarks)});
    }
    return import;
}

Result<CalibrationExport> export_calibration(const CalibrationSource& source) {
    const HardwareDatabase database = hardware_database();
    const auto spec = need_product(database, source.product);
    if (!spec) return tl::make_unexpected(spec.error());
    if ((*spec)->kind == "board")
        return wrong_usage(fmt::format("{} is a board; name the part that was measured: {}",
                                       (*spec)->id, fmt::join((*spec)->contains, ", ")));
    const auto measured = source.file.empty() ? measured_of_run(source, **spec, database)
                                              : measured_of_file(source, **spec, database);
    if (!measured) return tl::make_unexpected(measured.error());
    const auto mode = calibration_mode(**spec, source.power_mode, measured->mode);
    if (!mode) return tl::make_unexpected(mode.error());
    auto summary = summarise(**spec, *mode, measured->product);
    if (!summary) return tl::make_unexpected(summary.error());
    // Nothing but the user says that the run was made in this mode: its figures must allow it.
    if (measured->mode.empty() && *mode != only_mode)
        for (const auto& [precision, efficiency] : summary->at("efficiency").items())
            if (efficiency.get<double>() > efficiency_max)
                return failed(fmt::format(
                    "{} was not measured in {}: {} reached {:.1f} % of its peak in that mode",
                    measured->product.origin, *mode, precision, efficiency.get<double>() * 100));
    CalibrationExport exported{(*spec)->id, *mode, "", std::move(*summary)};
    if (source.dry_run) return exported;
    auto path = write_calibration(user_hardware_folder(), (*spec)->id,
                                  with_summary(**spec, *mode, exported.summary));
    if (!path) return tl::make_unexpected(path.error());
    exported.path = *path;
    return exported;
}

Result<std::vector<SyncedFile>> sync_resource_models(const std::string& folder,
                                                     const std::vector<std::string>& ids,
                                                     bool check) {
    const HardwareDatabase database = hardware_database();
    std::vector<const HardwareSpec*> specs;
    for (const std::string& id : ids) {
        const auto spec = need_product(database, id);
        if (!spec) return tl::make_unexpected(spec.error());
        // A board is its parts: it has no rates of its own.
        if ((*spec)->contains.empty()) specs.push_back(*spec);
        for (const std::string& part : (*spec)->contains)
            if (const HardwareSpec* product = database.find(part)) specs.push_back(product);
    }
    if (ids.empty())
        for (const HardwareSpec& spec : database.specs) specs.push_back(&spec);
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return failed(fmt::format("{}: there is no such folder; make it first", folder));
    Json models = resource_model_list(specs);
    if (!ids.empty())
        if (auto kept = keep_other_models(folder, specs, database, models); !kept)
            return tl::make_unexpected(kept.error());
    std::vector<SyncedFile> files;
    std::vector<std::pair<std::string, std::string>> changed;  // path, content
    for (const GeneratedFile& file : resource_files(models)) {
        const std::string path = (fs::path(folder) / file.name).string();
        const auto there =
            fs::exists(path, error) ? read_whole_file(path) : Result<std::string>(std::string());
        const bool same = there && *there == file.content;
        files.push_back({path, same});
        if (!same && !check) changed.emplace_back(path, file.content);
    }
    if (auto written = write_together(changed); !written)
        return tl::make_unexpected(written.error());
    return files;
}

}  // namespace peakward
