//! Circles of imports: files that need each other, so that none can be read or changed alone.
//!
//! A name is followed through re-exports to the file that defines it. A folder's `mod.rs` and the
//! files below it are one thing to their readers: what they take from each other does not count.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Import, Target, imports, references};

/// Re-exports of re-exports are followed this far.
const REEXPORTS_MAX: usize = 8;

type Module = Vec<String>;

struct Files {
    /// The file of each module, by its place in the list of sources.
    by_module: BTreeMap<Module, usize>,
    imports: Vec<Vec<Import>>,
}

/// The circles among these files (place below `src`, text): for each, the files and what ties them.
pub fn find(sources: &[(String, String)]) -> Vec<String> {
    let modules: Vec<Module> = sources
        .iter()
        .map(|(place, _)| super::module_of(place))
        .collect();
    let files = Files {
        by_module: modules.iter().cloned().zip(0..).collect(),
        imports: modules
            .iter()
            .zip(sources)
            .map(|(module, (_, source))| imports(module, source))
            .collect(),
    };

    let uses: Vec<BTreeSet<usize>> = modules
        .iter()
        .zip(sources)
        .enumerate()
        .map(|(file, (module, (_, source)))| {
            references(module, source)
                .iter()
                .filter_map(|reference| files.target(module, &reference.target))
                .filter(|used| *used != file && !is_family(module, &modules[*used]))
                .collect()
        })
        .collect();

    components(&uses)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| {
            let ties = component.iter().flat_map(|file| {
                let used = uses[*file].intersection(&component);
                used.map(|used| format!("  {} uses {}", sources[*file].0, sources[*used].0))
            });
            format!("circle:\n{}", ties.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// Whether one is a folder that the other lies in.
fn is_family(left: &Module, right: &Module) -> bool {
    left.starts_with(right) || right.starts_with(left)
}

impl Files {
    /// The file that a path in `module` leads to, if it is one of ours.
    fn target(&self, module: &Module, target: &Target) -> Option<usize> {
        let path = match target {
            Target::Module(path) => path.clone(),
            Target::Name(path) => {
                let below = [module.as_slice(), path].concat();
                self.by_module
                    .contains_key(&below[..=module.len()])
                    .then_some(below)?
            }
        };

        self.definition(&path, REEXPORTS_MAX)
    }

    /// Follows re-exports to the file that defines what the path names.
    fn definition(&self, path: &Module, left: usize) -> Option<usize> {
        let module = (1..=path.len())
            .rev()
            .map(|length| &path[..length])
            .find(|prefix| self.by_module.contains_key(*prefix))?
            .to_vec();

        let file = self.by_module[&module];
        let Some(name) = path.get(module.len()) else {
            return Some(file);
        };
        let reexport = self.imports[file]
            .iter()
            .find(|import| import.name == *name);

        match reexport {
            Some(import) if left > 0 => {
                let target = match &import.target {
                    Target::Module(path) => path.clone(),
                    Target::Name(path) => [module.as_slice(), path].concat(),
                };
                self.definition(&target, left - 1).or(Some(file))
            }
            _ => Some(file),
        }
    }
}

/// The strongly connected components of a graph: whoever can reach each other.
fn components(uses: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let reached: Vec<BTreeSet<usize>> = (0..uses.len()).map(|file| reach(uses, file)).collect();
    let mut found = BTreeSet::new();
    for file in 0..uses.len() {
        let component: BTreeSet<usize> = reached[file]
            .iter()
            .copied()
            .filter(|other| reached[*other].contains(&file))
            .chain([file])
            .collect();

        found.insert(component);
    }

    found.into_iter().collect()
}

fn reach(uses: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = uses[from].iter().copied().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(&uses[file]);
        }
    }

    reached
}

/// The checker must be able to fail.
mod checker {
    use super::find;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let owned = |(place, source): &(&str, &str)| ((*place).to_owned(), (*source).to_owned());
        find(&files.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn finds_circles_through_reexports() {
        let found = circles(&[
            ("a/mod.rs", "mod one; pub use one::{One as First};"),
            ("a/one.rs", "use crate::b::Two;"),
            ("b.rs", "use crate::c::Three;"),
            ("c.rs", "fn f() { crate::a::First::new(); }"),
        ]);

        assert_eq!(found.len(), 1);

        for tie in ["a/one.rs uses b.rs", "b.rs uses c.rs", "c.rs uses a/one.rs"] {
            assert!(found[0].contains(tie), "{}", found[0]);
        }
    }

    #[test]
    fn a_folder_and_its_files_are_one_thing() {
        let files = [
            (
                "a/mod.rs",
                "mod one; mod two; use one::One; pub struct Shared;",
            ),
            ("a/one.rs", "use super::Shared; use super::two::Two;"),
            ("a/two.rs", "use super::Shared;"),
        ];

        assert_eq!(circles(&files), Vec::<String>::new());
    }

    #[test]
    fn siblings_that_use_each_other_are_found() {
        let files = [
            ("a/mod.rs", "mod one; mod two;"),
            ("a/one.rs", "use super::two::{self, Two};"),
            ("a/two.rs", "use super::one::One;"),
        ];

        assert_eq!(circles(&files).len(), 1);
    }
}
