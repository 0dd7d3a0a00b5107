//! Finds the paths in a Rust source. Parses just enough to know what a file uses.

/// What a path refers to.
pub enum Target {
    /// A path from the crate's root.
    Module(Vec<String>),
    /// By a name that is in scope: of a library, or of a module below this one.
    Name(Vec<String>),
}

/// A name that a `use` brings into a file.
pub struct Import {
    /// What it is called here; `*` stands for all names of the target.
    pub name: String,
    pub target: Target,
}

/// One path in a source.
pub struct Reference {
    /// Counted from 1.
    pub line: usize,
    pub target: Target,
}

/// All paths in a source that refer to another module or a library: in `use`, inline, in macros and
/// attributes.
pub fn references(file_module: &[String], source: &str) -> Vec<Reference> {
    let blanked = blank_comments_and_strings(source);
    let tokens = without_tests(&tokens(&blanked));
    let mut module = file_module.to_vec();
    let mut inline_modules: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (line, text) = tokens[at];
        match text {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                if inline_modules.last() == Some(&depth) {
                    inline_modules.pop();
                    module.pop();
                }
            }
            "mod" if text_at(&tokens, at + 2) == "{" => {
                inline_modules.push(depth);
                module.push(text_at(&tokens, at + 1).to_owned());
            }
            _ => {}
        }

        let imports = text == "use" || (text == "extern" && text_at(&tokens, at + 1) == "crate");
        let begins_path =
            is_name(text) && text_at(&tokens, at + 1) == "::" && !continues_path(&tokens, at);

        if imports || begins_path {
            let mut leaves = Vec::new();

            let skipped = if imports {
                1 + usize::from(text == "extern")
            } else {
                0
            };

            let end = path_tree(&tokens, at + skipped, &[], &mut leaves);

            found.extend(
                leaves
                    .iter()
                    .filter_map(|leaf| resolve(&module, &leaf.path))
                    .map(|target| Reference { line, target }),
            );

            at = end.max(at + 1);
        } else {
            at += 1;
        }
    }

    found
}

/// Every name that a `use` at the top level of a file brings into it.
pub fn imports(file_module: &[String], source: &str) -> Vec<Import> {
    let blanked = blank_comments_and_strings(source);
    let tokens = without_tests(&tokens(&blanked));
    let mut found = Vec::new();
    let mut depth = 0;
    for (at, (_, text)) in tokens.iter().enumerate() {
        match *text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "use" if depth == 0 => {
                let mut leaves = Vec::new();
                path_tree(&tokens, at + 1, &[], &mut leaves);

                found.extend(leaves.into_iter().filter_map(|leaf| {
                    let target = resolve(file_module, &leaf.path)?;
                    Some(Import {
                        name: leaf.name,
                        target,
                    })
                }));
            }
            _ => {}
        }
    }

    found
}

/// Every function of a source: its name, the line it begins at, and how many lines it has.
pub fn functions(source: &str) -> Vec<(String, usize, usize)> {
    let blanked = blank_comments_and_strings(source);
    let tokens = without_tests(&tokens(&blanked));
    let mut found = Vec::new();
    for (at, (line, text)) in tokens.iter().enumerate() {
        if *text == "fn" && is_name(text_at(&tokens, at + 1)) {
            let end = end_of_item(&tokens, at);
            let last = tokens
                .get(end.saturating_sub(1))
                .map_or(*line, |(line, _)| *line);
            found.push((text_at(&tokens, at + 1).to_owned(), *line, last - line + 1));
        }
    }

    found
}

/// One path of a tree, and the name it gives.
struct Leaf {
    path: Vec<String>,
    name: String,
}

impl Leaf {
    fn new(mut path: Vec<String>, alias: Option<&str>) -> Self {
        // `a::{self}` means `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }

        let name = alias
            .or(path.last().map(String::as_str))
            .unwrap_or_default();
        Self {
            name: name.to_owned(),
            path,
        }
    }
}

/// Reads a tree such as `a::{b::c, d as e}` and collects its paths. Returns where it ends.
fn path_tree(
    tokens: &[(usize, &str)],
    mut at: usize,
    prefix: &[String],
    leaves: &mut Vec<Leaf>,
) -> usize {
    let mut path = prefix.to_vec();

    loop {
        match text_at(tokens, at) {
            "::" => at += 1,
            "{" => {
                at += 1;

                while !matches!(text_at(tokens, at), "}" | "") {
                    let end = path_tree(tokens, at, &path, leaves);
                    at = end.max(at + 1);

                    while !matches!(text_at(tokens, at), "," | "}" | "") {
                        at += 1;
                    }

                    at += usize::from(text_at(tokens, at) == ",");
                }

                return at + 1;
            }
            name if is_name(name) || name == "*" => {
                path.push(name.to_owned());
                at += 1;

                if text_at(tokens, at) == "as" {
                    leaves.push(Leaf::new(path, Some(text_at(tokens, at + 1))));
                    return at + 2;
                }

                if text_at(tokens, at) != "::" {
                    leaves.push(Leaf::new(path, None));
                    return at;
                }
            }
            _ => {
                leaves.push(Leaf::new(path, None));
                return at;
            }
        }
    }
}

fn resolve(module: &[String], path: &[String]) -> Option<Target> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" | "countersign" => Some(Target::Module(rest.to_vec())),
        "self" | "Self" => None,
        "super" => {
            let ups = path
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            let base = &module[..module.len().saturating_sub(ups)];
            Some(Target::Module(
                base.iter().chain(&path[ups..]).cloned().collect(),
            ))
        }
        _ => Some(Target::Name(path.to_vec())),
    }
}

fn text_at<'a>(tokens: &[(usize, &'a str)], at: usize) -> &'a str {
    tokens.get(at).map_or("", |(_, text)| text)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Whether the name here follows `a::` or `>::`. A leading `::` begins a path.
fn continues_path(tokens: &[(usize, &str)], at: usize) -> bool {
    let before = |back: usize| {
        at.checked_sub(back)
            .map_or("", |index| text_at(tokens, index))
    };
    before(1) == "::" && (is_name(before(2)) || before(2) == ">")
}

/// The tokens: names, `::` and single characters, each with its line.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let (mut line, mut at) = (1, 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|next: char| !next.is_alphanumeric() && next != '_')
                .unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };

        if first == '\n' {
            line += 1;
        } else if !first.is_whitespace() {
            tokens.push((line, &rest[..length]));
        }

        at += length;
    }

    tokens
}

/// Removes all items under `#[cfg(test)]`.
fn without_tests<'a>(tokens: &[(usize, &'a str)]) -> Vec<(usize, &'a str)> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_test = ATTRIBUTE
            .iter()
            .enumerate()
            .all(|(index, text)| text_at(tokens, at + index) == *text);
        if is_test {
            at = end_of_item(tokens, at + ATTRIBUTE.len());
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }

    kept
}

fn end_of_item(tokens: &[(usize, &str)], mut at: usize) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        match text_at(tokens, at) {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            _ => {}
        }

        at += 1;
    }

    at
}

/// Replaces comments, strings and character literals by spaces. Line numbers do not change.
fn blank_comments_and_strings(source: &str) -> String {
    let mut blanked = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let after_name = blanked.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let skipped = opaque_length(rest, after_name);
        let length = skipped.unwrap_or(first.len_utf8());
        match skipped {
            Some(_) => blanked.extend(
                rest[..length]
                    .chars()
                    .map(|it| if it == '\n' { '\n' } else { ' ' }),
            ),
            None => blanked.push(first),
        }

        rest = &rest[length..];
    }

    blanked
}

/// The length of the comment or literal that begins here, if there is one.
fn opaque_length(rest: &str, after_name: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }

    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }

    let raw = rest
        .trim_start_matches(['b', 'c'])
        .strip_prefix('r')
        .filter(|_| !after_name);
    if let Some(opening) = raw {
        let hashes = opening.len() - opening.trim_start_matches('#').len();
        if opening[hashes..].starts_with('"') {
            let closing = format!("\"{}", "#".repeat(hashes));
            let body = rest.len() - opening.len() + hashes + 1;
            return Some(
                rest[body..]
                    .find(&closing)
                    .map_or(rest.len(), |end| body + end + closing.len()),
            );
        }
    }

    match rest.chars().next()? {
        '"' => Some(1 + quoted_length(&rest[1..], '"')),
        '\'' if rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'') => {
            Some(1 + quoted_length(&rest[1..], '\''))
        }
        _ => None,
    }
}

fn quoted_length(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, next) in body.char_indices() {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if next == quote => return index + 1,
            _ => {}
        }
    }

    body.len()
}

fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest[at..];
        match here {
            _ if here.starts_with("/*") => (depth, at) = (depth + 1, at + 2),
            _ if here.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += here.chars().next().map_or(1, char::len_utf8),
        }

        if depth == 0 {
            return at;
        }
    }

    rest.len()
}
