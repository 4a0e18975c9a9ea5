// What the system refused to SQLite. SQLite keeps the errno of its last call, and that is not the
// cause where it tries a second way in (a journal that cannot be opened is opened for reading),
// takes a failed read for damage, or a failed lock for one that another process holds.
#pragma once

namespace peakward::store {

// From now on the calls of SQLite in this process are watched.
void watch_system_calls();

// All are about this thread, and about the calls since the last forget_refused_call().
void forget_refused_call();
// errno of the first call that was refused; 0: none was. SQLite tries again to open a file for
// reading that it may not write: only where a file could not be opened is that a cause.
int errno_of_refused_open();
int errno_of_refused_call();  // of those on files that are open

}  // namespace peakward::store
