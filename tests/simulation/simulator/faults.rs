//! Every kind of fault that a story can hold, and how many of each there were.

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection comes about: no byte leaves.
    NoConnection,
    /// The connection closes before the request is executed.
    LostBefore,
    /// The connection closes after it was executed.
    LostAfter,
    /// The vendor's server error; nothing is executed.
    ServerErrorBefore,
    /// The same, executed all the same.
    ServerErrorAfter,
    /// An HTML page with a server error, by a gateway that didn't pass the request on.
    GatewayPageBefore,
    /// The same by one that did.
    GatewayPageAfter,
    /// A captive portal's page, with a success.
    PortalPage,
    /// A redirect.
    Redirect,
    /// Executed, and the answer breaks off on its way.
    BrokenOff,
    /// Executed, and a proxy delivers the first half of the answer as if it were all.
    CutJson,
    /// Executed, and the answer is `{}`.
    EmptyObject,
    /// Executed, and the answer doesn't end.
    Endless,
    /// Executed, and the answer takes seconds.
    Slow,
    /// Executed, and the answer takes longer than anybody waits.
    Silent,
    /// A gateway holds the request, and executes it after the client gave up.
    ExecutedLate,
    /// Refused for the rate; with an absurd time to wait, a sensible one, or none.
    Throttled,
    /// A documented refusal.
    Refused,
    /// A documented code that says nothing of whether it was executed.
    DocumentedDoubt,
    /// A refusal that no page documents; nothing is executed.
    UndocumentedBefore,
    /// The same, executed all the same.
    UndocumentedAfter,
    /// A documented refusal with the status of a success, by a vendor of the newer kinds.
    RefusedWithSuccess,
    /// An error whose message is meant for the runner and not for people.
    HostileMessage,
    /// Status: no rows.
    NoRows,
    /// Some rows say that what was complete is under way.
    Backwards,
    /// Some rows have a word that nobody knows.
    UnknownWord,
    /// Status: some rows are missing.
    RowsMissing,
    /// Rows of a stranger under our id.
    ForeignRows,
    /// A total that isn't the number of rows.
    WrongTotal,
    /// Pages shifted while they were read: rows come twice.
    RowsTwice,
    /// No `Date`.
    NoDate,
    /// An old `Date`, from a cache.
    CachedDate,
    /// Others take from the quota.
    Stranger,
    /// The process is killed.
    Kill,
    /// A crash tears the journal's end.
    TornJournal,
    /// The disk is full.
    FullDisk,
    /// SIGINT or SIGTERM.
    Signal,
    /// The result can't be published.
    Unpublished,
    /// The runner's clock is off.
    WrongClock,
    /// A role's credentials end.
    Expiry,
}

impl Fault {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 40] = [
        Self::NoConnection,
        Self::LostBefore,
        Self::LostAfter,
        Self::ServerErrorBefore,
        Self::ServerErrorAfter,
        Self::GatewayPageBefore,
        Self::GatewayPageAfter,
        Self::PortalPage,
        Self::Redirect,
        Self::BrokenOff,
        Self::CutJson,
        Self::EmptyObject,
        Self::Endless,
        Self::Slow,
        Self::Silent,
        Self::ExecutedLate,
        Self::Throttled,
        Self::Refused,
        Self::DocumentedDoubt,
        Self::UndocumentedBefore,
        Self::UndocumentedAfter,
        Self::RefusedWithSuccess,
        Self::HostileMessage,
        Self::NoRows,
        Self::Backwards,
        Self::UnknownWord,
        Self::RowsMissing,
        Self::ForeignRows,
        Self::WrongTotal,
        Self::RowsTwice,
        Self::NoDate,
        Self::CachedDate,
        Self::Stranger,
        Self::Kill,
        Self::TornJournal,
        Self::FullDisk,
        Self::Signal,
        Self::Unpublished,
        Self::WrongClock,
        Self::Expiry,
    ];

    /// What can happen to any request.
    pub const OF_ANY: &[Self] = &[
        Self::NoConnection,
        Self::LostBefore,
        Self::ServerErrorBefore,
        Self::GatewayPageBefore,
        Self::PortalPage,
        Self::Redirect,
        Self::BrokenOff,
        Self::CutJson,
        Self::EmptyObject,
        Self::Endless,
        Self::Slow,
        Self::Silent,
        Self::Throttled,
        Self::Refused,
        Self::NoDate,
        Self::CachedDate,
        Self::HostileMessage,
    ];

    /// The same where vendors of the newer kinds are in the world.
    pub const OF_NEWER: &[Self] = &[Self::RefusedWithSuccess, Self::Throttled, Self::ServerErrorBefore];

    /// What can happen to a submission besides.
    pub const OF_SUBMISSIONS: &[Self] = &[
        Self::LostAfter,
        Self::LostAfter,
        Self::ServerErrorAfter,
        Self::GatewayPageAfter,
        Self::ExecutedLate,
        Self::ExecutedLate,
        Self::DocumentedDoubt,
        Self::UndocumentedBefore,
        Self::UndocumentedAfter,
    ];

    /// What can happen to the rows of any list.
    pub const OF_LISTS: &[Self] =
        &[Self::Backwards, Self::UnknownWord, Self::ForeignRows, Self::WrongTotal, Self::RowsTwice];

    /// What can happen to the rows of a status query. Records that don't show what is there would prove an absence.
    pub const OF_STATUS: &[Self] = &[Self::NoRows, Self::RowsMissing];
}

/// How many faults of each kind there were.
#[derive(Clone, Copy, Debug)]
pub struct FaultCounts([u64; Fault::ALL.len()]);

impl Default for FaultCounts {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl FaultCounts {
    /// One more.
    pub fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// Those of another story too.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }

    /// Each kind, with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.into_iter().zip(self.0)
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
