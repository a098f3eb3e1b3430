//! The cheapest directories to refresh in place of URLs: values in, values out.
//!
//! A cover costs its share of the quota that is left: a URL one part of the URLs, a directory one part of the directories. Of all
//! covers that fit, the cheapest is wanted, and of equally cheap ones that with the fewest unchanged URLs. This is exact, and needs
//! no search:
//!
//! - With a given number of directories, the cheapest cover leaves the fewest URLs. Whatever lies below an allowed directory is
//!   below one topmost allowed directory, which covers it all for the same price. So the best choice of `n` directories is the `n`
//!   topmost ones with the most URLs, each replaced by the deepest allowed directory below it that has all of its URLs.
//! - Each further directory covers no more URLs than the one before, so the price as a function of `n` falls, then rises: the best
//!   `n` is where it stops falling, or the first at which the rest fits.

/// A directory of URLs. Its numbers are of what lies right in it; [`cheapest`] adds up what lies below.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The directory above; its place in the list is before this one's.
    pub parent: Option<u32>,
    /// URLs that the plan would refresh one by one.
    pub urls: u64,
    /// URLs that didn't change.
    pub unchanged: u64,
    /// Whether it may be refreshed as a whole, if not too much below it is unchanged.
    pub is_allowed: bool,
}

/// The limits of a cover.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The most unchanged URLs below a directory for each URL that the plan would refresh there.
    pub over_refresh: u32,
    /// How many URLs may be refreshed one by one; `None`: any number.
    pub urls: Option<u64>,
    /// How many directories may be refreshed.
    pub directories: Option<u64>,
    /// How many there may be of both together.
    pub total: Option<u64>,
}

/// The directories of a cover; what isn't below one of them is refreshed one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Places in the list.
    pub directories: Vec<u32>,
    /// Whether directories and remaining URLs are within the budget. If no cover is, this one leaves the fewest URLs.
    pub fits: bool,
}

/// The share of a quota that isn't limited: any directory or URL is next to nothing of it.
const UNLIMITED: u64 = 1 << 32;

/// The cheapest cover.
pub fn cheapest(tree: &[Directory], budget: Budget) -> Cover {
    let mut below: Vec<(u64, u64)> = tree.iter().map(|directory| (directory.urls, directory.unchanged)).collect();
    // The deepest allowed directory that has all URLs of each.
    let mut deepest: Vec<Option<u32>> = vec![None; tree.len()];
    let is_allowed = |place: usize, (urls, unchanged): (u64, u64)| {
        tree[place].is_allowed && urls > 0 && unchanged <= urls.saturating_mul(budget.over_refresh.into())
    };
    for place in (0..tree.len()).rev() {
        if let Some(parent) = tree[place].parent {
            let (urls, unchanged) = below[place];
            below[parent as usize].0 += urls;
            below[parent as usize].1 += unchanged;
        }
    }
    for (place, directory) in tree.iter().enumerate().rev() {
        if deepest[place].is_none() && is_allowed(place, below[place]) {
            deepest[place] = Some(place as u32);
        }
        if let Some(parent) = directory.parent.filter(|&parent| below[parent as usize].0 == below[place].0) {
            deepest[parent as usize] = deepest[parent as usize].or(deepest[place]);
        }
    }
    // The topmost allowed ones.
    let mut is_below = vec![false; tree.len()];
    let mut topmost = Vec::new();
    for (place, directory) in tree.iter().enumerate() {
        is_below[place] = directory.parent.is_some_and(|parent| is_below[parent as usize]);
        if !is_below[place] && is_allowed(place, below[place]) {
            is_below[place] = true;
            topmost.extend(deepest[place]);
        }
    }
    let of = |place: &u32| below[*place as usize];
    topmost.sort_by_key(|place| (std::cmp::Reverse(of(place).0), of(place).1));
    let share = |left: Option<u64>| u128::from(left.unwrap_or(UNLIMITED).max(1));
    let (url_share, directory_share) = (share(budget.directories), share(budget.urls));
    let paying = topmost.partition_point(|place| u128::from(of(place).0) * url_share > directory_share);
    let most = budget.directories.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
    let mut left: u64 = tree.iter().map(|directory| directory.urls).sum();
    let fits = |count: usize, left: u64| {
        budget.urls.is_none_or(|most| left <= most) && budget.total.is_none_or(|most| left + count as u64 <= most)
    };
    let mut needed = fits(0, left).then_some(0);
    for (count, place) in (1..).zip(topmost.iter().take(most)) {
        left -= of(place).0;
        needed = needed.or_else(|| fits(count, left).then_some(count));
    }
    topmost.truncate(needed.map_or(most, |needed| needed.max(paying).min(most)));
    Cover { directories: topmost, fits: needed.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the chosen directories are allowed, none within another, and the rest fits; and then what it costs: the price, and the
    /// unchanged URLs.
    fn price(tree: &[Directory], budget: Budget, chosen: &[u32]) -> Option<(u128, u64)> {
        let is_within = |place: u32, other: u32| {
            let mut above = Some(place);
            while let Some(place) = above.filter(|&place| place != other) {
                above = tree[place as usize].parent;
            }
            above.is_some()
        };
        let (mut covered, mut touched) = (0, 0);
        for &one in chosen {
            if chosen.iter().any(|&other| one != other && is_within(one, other)) {
                return None;
            }
            let within = (0..).zip(tree).filter(|(place, _)| is_within(*place, one)).map(|(_, directory)| directory);
            let (urls, unchanged) =
                within.fold((0, 0), |sum, directory| (sum.0 + directory.urls, sum.1 + directory.unchanged));
            if !tree[one as usize].is_allowed || urls == 0 || unchanged > urls * u64::from(budget.over_refresh) {
                return None;
            }
            (covered, touched) = (covered + urls, touched + unchanged);
        }
        let left = tree.iter().map(|directory| directory.urls).sum::<u64>() - covered;
        let count = chosen.len() as u64;
        let is_above = |most: Option<u64>, count| most.is_some_and(|most| count > most);
        if is_above(budget.urls, left) || is_above(budget.directories, count) || is_above(budget.total, left + count) {
            return None;
        }
        let share = |left: Option<u64>| u128::from(left.unwrap_or(UNLIMITED).max(1));
        Some((u128::from(count) * share(budget.urls) + u128::from(left) * share(budget.directories), touched))
    }

    #[test]
    fn no_allowed_cover_of_ten_thousand_random_trees_is_cheaper() {
        let mut random = fastrand::Rng::with_seed(15);
        let (mut fitting, mut short) = (0, 0);
        for _ in 0..10_000 {
            let size = random.u32(1..10);
            let directory = |place: u32, random: &mut fastrand::Rng| Directory {
                parent: (place > 0 && random.u8(..8) > 0).then(|| random.u32(..place)),
                urls: random.u64(..4),
                unchanged: random.u64(..5),
                is_allowed: random.u8(..4) > 0,
            };
            let tree: Vec<Directory> = (0..size).map(|place| directory(place, &mut random)).collect();
            let maybe = |most, random: &mut fastrand::Rng| random.bool().then(|| random.u64(..most));
            let budget = Budget {
                over_refresh: random.u32(..4),
                urls: maybe(16, &mut random),
                directories: maybe(5, &mut random),
                total: maybe(12, &mut random),
            };
            let all = (0..1_u32 << size).map(|set| (0..size).filter(|place| set >> place & 1 == 1).collect::<Vec<_>>());
            let best = all.filter_map(|chosen| price(&tree, budget, &chosen)).min();
            let cover = cheapest(&tree, budget);
            assert_eq!(cover.fits, best.is_some(), "{tree:?} {budget:?}");
            if best.is_some() {
                assert_eq!(price(&tree, budget, &cover.directories), best, "{tree:?} {budget:?} {cover:?}");
                fitting += 1;
            } else {
                let free = Budget { urls: None, total: None, ..budget };
                assert!(price(&tree, free, &cover.directories).is_some(), "{tree:?} {budget:?} {cover:?}");
                short += 1;
            }
        }
        assert!(fitting > 3_000 && short > 1_000, "{fitting} {short}");
    }

    fn directory(parent: Option<u32>, urls: u64, unchanged: u64) -> Directory {
        Directory { parent, urls, unchanged, is_allowed: parent.is_some() }
    }

    #[test]
    fn the_deepest_directory_with_all_of_its_urls_is_chosen() {
        let tree = [directory(None, 0, 0), directory(Some(0), 0, 9), directory(Some(1), 9, 1)];
        let budget = Budget { over_refresh: 2, urls: Some(3), directories: Some(5), total: None };
        assert_eq!(cheapest(&tree, budget), Cover { directories: vec![2], fits: true });
        // Below the topmost, too much is unchanged for the limit of 0, and the root isn't allowed.
        let none = Cover { directories: vec![], fits: false };
        assert_eq!(cheapest(&tree, Budget { over_refresh: 0, ..budget }), none);
    }

    #[test]
    fn ten_thousand_files_in_four_hundred_folders_fit_with_a_hundred_directories_left() {
        let folders = (0..400).map(|folder| directory(Some(0), 25, folder % 3));
        let tree: Vec<Directory> = std::iter::once(directory(None, 0, 0)).chain(folders).collect();
        let budget = Budget { over_refresh: 2, urls: Some(9_000), directories: Some(100), total: None };
        let cover = cheapest(&tree, budget);
        assert_eq!((cover.fits, cover.directories.len()), (true, 40));
        assert!(
            cover.directories.iter().all(|&place| tree[place as usize].unchanged == 0),
            "the fewest unchanged URLs"
        );
        let cover = cheapest(&tree, Budget { urls: Some(7_499), ..budget });
        assert_eq!((cover.fits, cover.directories.len()), (false, 100));
    }
}
