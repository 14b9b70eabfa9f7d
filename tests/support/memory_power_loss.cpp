// What a power loss may leave of a MemoryFileSystem.
#include "tests/support/memory_file_system.hpp"

#include "tests/support/memory_inode.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <unordered_map>

namespace certd::test {

namespace {

using Selection = std::vector<std::size_t>;

std::vector<Selection> all_selections(const Selection& units) {
    std::vector<Selection> result;
    for (std::size_t mask = 0; mask < std::size_t{1} << units.size(); ++mask) {
        Selection& selection = result.emplace_back();
        for (std::size_t index = 0; index < units.size(); ++index) {
            if (mask >> index & 1) selection.push_back(units[index]);
        }
    }
    return result;
}

std::vector<Selection> some_selections(const Selection& units, std::size_t limit) {
    std::vector<Selection> result;
    for (std::size_t size = 0; size <= units.size(); ++size) {
        result.emplace_back(units.begin(), units.begin() + static_cast<std::ptrdiff_t>(size));
    }
    for (std::size_t unit : units) {
        result.push_back({unit});
        Selection others = units;
        std::erase(others, unit);
        result.push_back(std::move(others));
    }
    std::mt19937 engine(static_cast<unsigned>(units.size()));
    while (result.size() < limit) {
        Selection& selection = result.emplace_back();
        std::ranges::copy_if(units, std::back_inserter(selection), [&](std::size_t) { return engine() % 2 == 0; });
    }
    if (result.size() > limit) result.resize(limit);
    return result;
}

}  // namespace

void MemoryFileSystem::each_power_loss(std::size_t limit, const std::function<void(MemoryFileSystem&)>& visit) const {
    std::vector<std::unique_ptr<MemoryFileSystem>> states;
    {
        std::scoped_lock lock(mutex_);
        Selection units = unsynced_units();
        bool few = units.size() < 16 && std::size_t{1} << units.size() <= limit;
        for (const Selection& survived : few ? all_selections(units) : some_selections(units, limit)) {
            states.push_back(after_power_loss(survived));
        }
    }
    for (const auto& state : states)
        visit(*state);
}

std::vector<std::size_t> MemoryFileSystem::unsynced_units() const {
    std::set<std::size_t> units;
    std::set<const Inode*> seen;
    std::vector<const Inode*> ahead{root_.get()};
    auto meet = [&](const InodePtr& inode) {
        if (inode && inode->kind == FileStatus::Kind::directory && seen.insert(inode.get()).second)
            ahead.push_back(inode.get());
    };
    while (!ahead.empty()) {
        const Inode& directory = *ahead.back();
        ahead.pop_back();
        for (const auto& entry : directory.names)
            meet(entry.second);
        for (const auto& entry : directory.on_disk)
            meet(entry.second);
        for (const Inode::Change& change : directory.unsynced) {
            units.insert(change.unit);
            meet(change.inode);
        }
    }
    return {units.begin(), units.end()};
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::after_power_loss(const std::vector<std::size_t>& survived) const {
    auto result = std::make_unique<MemoryFileSystem>();
    std::unordered_map<const Inode*, InodePtr> copies{{root_.get(), result->root_}};
    std::vector<const Inode*> ahead{root_.get()};
    while (!ahead.empty()) {
        const Inode& directory = *ahead.back();
        Inode& copy = *copies.at(ahead.back());
        ahead.pop_back();
        std::map<std::string, InodePtr> names = directory.on_disk;
        for (const Inode::Change& change : directory.unsynced) {
            if (!std::ranges::binary_search(survived, change.unit)) continue;
            if (change.inode) {
                names[change.name] = change.inode;
            } else {
                names.erase(change.name);
            }
        }
        for (const auto& [name, inode] : names) {
            auto [known, fresh] = copies.try_emplace(inode.get());
            if (fresh) {
                known->second = std::make_shared<Inode>(*inode);
                known->second->names.clear();
                known->second->on_disk.clear();
                known->second->unsynced.clear();
                if (inode->kind == FileStatus::Kind::directory) ahead.push_back(inode.get());
            }
            copy.names[name] = known->second;
        }
        copy.on_disk = copy.names;
    }
    return result;
}

}  // namespace certd::test
