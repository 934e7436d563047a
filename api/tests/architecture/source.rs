//! Reads Rust source files into modules and the paths that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The path of a module or an item from the root of the crate, without `crate`.
pub type ModulePath = Vec<String>;

/// A module, in a file of its own or inside the file of another.
#[derive(Debug, Default)]
pub struct Module {
    /// The file, relative to the source folder.
    pub file: PathBuf,
    /// The names of the modules it declares.
    pub children: BTreeSet<String>,
    /// The names of the items it defines.
    pub items: BTreeSet<String>,
    /// What its `use` declarations name.
    pub imports: Vec<Import>,
    /// The paths that its code names outside `use` declarations.
    pub paths: Vec<NamedPath>,
    /// Every word of its code outside `use` declarations.
    pub words: BTreeSet<String>,
}

/// One name that a `use` declaration brings in.
#[derive(Debug)]
pub struct Import {
    /// Its name in the module; none for a glob.
    pub name: Option<String>,
    /// The path as written.
    pub path: Vec<String>,
    /// Whether other modules can import it from here.
    pub is_public: bool,
    /// The line in the file.
    pub line: usize,
}

/// A path in code.
#[derive(Debug)]
pub struct NamedPath {
    /// The path as written.
    pub path: Vec<String>,
    /// The line in the file.
    pub line: usize,
}

/// Every module of a crate, by its path. Modules under `#[cfg(test)]` are left out.
pub fn read_crate(source_folder: &Path, root_file: &str) -> BTreeMap<ModulePath, Module> {
    let mut modules = BTreeMap::new();
    let mut pending = vec![(ModulePath::new(), PathBuf::from(root_file))];
    while let Some((path, file)) = pending.pop() {
        let text = fs::read_to_string(source_folder.join(&file)).unwrap();
        let tokens =
            TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reader = Reader {
            file: &file,
            modules: BTreeMap::new(),
            files_of_children: Vec::new(),
        };
        reader.read_module(&path, tokens);
        for child in reader.files_of_children {
            let folder: PathBuf = child[..child.len() - 1].iter().collect();
            let name = child.last().unwrap();
            let flat = folder.join(format!("{name}.rs"));
            let nested = folder.join(name).join("mod.rs");
            let file = if source_folder.join(&flat).exists() {
                flat
            } else {
                nested
            };
            pending.push((child, file));
        }
        modules.extend(reader.modules);
    }
    modules
}

struct Reader<'a> {
    file: &'a Path,
    modules: BTreeMap<ModulePath, Module>,
    files_of_children: Vec<ModulePath>,
}

impl Reader<'_> {
    fn read_module(&mut self, path: &ModulePath, tokens: TokenStream) {
        let module = Module {
            file: self.file.to_owned(),
            ..Module::default()
        };
        self.modules.insert(path.clone(), module);
        self.read_tokens(path, tokens, true);
    }

    /// Reads the tokens of the items of a module or, if `are_items` is false, of a group inside an item.
    fn read_tokens(&mut self, scope: &ModulePath, tokens: TokenStream, are_items: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut is_public = false;
        while at < tokens.len() {
            if let Some(attribute) = read_attribute_at(&tokens, at) {
                if is_cfg_test(&attribute) {
                    at = find_end_of_item(&tokens, at);
                } else {
                    self.read_attribute(scope, attribute);
                    at += 2;
                }
                continue;
            }
            match &tokens[at] {
                TokenTree::Group(group) => self.read_tokens(scope, group.stream(), false),
                TokenTree::Ident(word) => {
                    let word = word.to_string();
                    let next = tokens.get(at + 1).map(ToString::to_string);
                    match (word.as_str(), next) {
                        ("pub", _) => {
                            is_public = true;
                            // `pub(in path)` names no dependency.
                            if is_group(tokens.get(at + 1), Delimiter::Parenthesis) {
                                at += 1;
                            }
                            at += 1;
                            continue;
                        }
                        ("use", Some(next)) if next != "<" => {
                            at = self.read_use(scope, &tokens, at, is_public);
                        }
                        ("mod", Some(name)) if are_items => {
                            at += 2;
                            let mut child = scope.clone();
                            child.push(name.clone());
                            self.module(scope).children.insert(name);
                            if let Some(TokenTree::Group(body)) = tokens.get(at) {
                                self.read_module(&child, body.stream());
                            } else {
                                self.files_of_children.push(child);
                            }
                        }
                        (
                            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union",
                            Some(name),
                        ) if are_items => {
                            self.module(scope).items.insert(name);
                        }
                        ("macro_rules", _) if are_items => {
                            if let Some(TokenTree::Ident(name)) = tokens.get(at + 2) {
                                self.module(scope).items.insert(name.to_string());
                            }
                        }
                        _ => at = self.read_path(scope, &tokens, at),
                    }
                    is_public = false;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    fn module(&mut self, path: &ModulePath) -> &mut Module {
        self.modules.get_mut(path).unwrap()
    }

    /// Reads a path that begins at a word, and returns where its last token is.
    fn read_path(&mut self, scope: &ModulePath, tokens: &[TokenTree], at: usize) -> usize {
        let line = tokens[at].span().start().line;
        let mut path = vec![tokens[at].to_string()];
        self.module(scope).words.insert(path[0].clone());
        let mut last = at;
        while is_double_colon(tokens, last + 1) {
            let Some(TokenTree::Ident(word)) = tokens.get(last + 3) else {
                break;
            };
            path.push(word.to_string());
            last += 3;
        }
        // `value.name::<T>()` and `$name::path` do not begin with the name of a module.
        let is_member = at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(mark) if mark.as_char() == '.');
        let is_external = at > 1 && is_double_colon(tokens, at - 2);
        if path.len() > 1 && !is_member && !is_external {
            self.module(scope).paths.push(NamedPath { path, line });
        }
        last
    }

    /// Reads the paths in an attribute, also those written as texts, such as serde's `with = "crate::money"`.
    fn read_attribute(&mut self, scope: &ModulePath, tokens: TokenStream) {
        for token in tokens.clone() {
            match token {
                TokenTree::Group(group) => self.read_attribute(scope, group.stream()),
                TokenTree::Literal(literal) => {
                    let line = literal.span().start().line;
                    let text = literal.to_string();
                    let path: Vec<String> = text.trim_matches('"').split("::").map(str::to_owned).collect();
                    let is_path = path.iter().all(|word| {
                        !word.is_empty()
                            && word
                                .chars()
                                .all(|letter| letter.is_alphanumeric() || letter == '_')
                    });
                    if is_path && path.len() > 1 {
                        self.module(scope).paths.push(NamedPath { path, line });
                    }
                }
                _ => {}
            }
        }
        self.read_tokens(scope, tokens, false);
    }

    /// Reads a `use` declaration, and returns where its semicolon is.
    fn read_use(&mut self, scope: &ModulePath, tokens: &[TokenTree], at: usize, is_public: bool) -> usize {
        let end = find_end_of_use(tokens, at);
        let line = tokens[at].span().start().line;
        let mut leaves = Vec::new();
        read_use_tree(&tokens[at + 1..end], &[], &mut leaves);
        let imports = leaves.into_iter().map(|(name, path)| Import {
            name,
            path,
            is_public,
            line,
        });
        self.module(scope).imports.extend(imports);
        end
    }
}

/// The names and paths of a tree of `use`.
fn read_use_tree(tokens: &[TokenTree], prefix: &[String], leaves: &mut Vec<(Option<String>, Vec<String>)>) {
    for tree in tokens.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',')) {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut is_leaf = false;
        let mut at = 0;
        while at < tree.len() {
            match &tree[at] {
                TokenTree::Ident(word) if word == "as" => {
                    name = tree.get(at + 1).map(ToString::to_string);
                    at += 1;
                }
                TokenTree::Ident(word) => {
                    path.push(word.to_string());
                    is_leaf = true;
                }
                TokenTree::Punct(mark) if mark.as_char() == '*' => {
                    leaves.push((None, path.clone()));
                    is_leaf = false;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    read_use_tree(&inner, &path, leaves);
                    is_leaf = false;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
        if is_leaf {
            if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
                path.pop();
            }
            let last = path.last().cloned();
            leaves.push((name.or(last), path));
        }
    }
}

fn is_group(token: Option<&TokenTree>, delimiter: Delimiter) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == mark)
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    is_mark(tokens.get(at), ':') && is_mark(tokens.get(at + 1), ':')
}

/// The content of the attribute that begins here.
fn read_attribute_at(tokens: &[TokenTree], at: usize) -> Option<TokenStream> {
    match tokens.get(at + 1) {
        Some(TokenTree::Group(group))
            if is_mark(tokens.get(at), '#') && group.delimiter() == Delimiter::Bracket =>
        {
            Some(group.stream())
        }
        _ => None,
    }
}

fn is_cfg_test(attribute: &TokenStream) -> bool {
    attribute.to_string().replace(' ', "") == "cfg(test)"
}

/// The position after an item that begins with an attribute: after its block or its semicolon.
fn find_end_of_item(tokens: &[TokenTree], mut at: usize) -> usize {
    while read_attribute_at(tokens, at).is_some() {
        at += 2;
    }
    let is_use =
        (at..at + 3).any(|at| matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == "use"));
    while at < tokens.len() {
        let is_end = is_mark(tokens.get(at), ';') || (!is_use && is_group(tokens.get(at), Delimiter::Brace));
        at += 1;
        if is_end {
            break;
        }
    }
    at
}

fn find_end_of_use(tokens: &[TokenTree], at: usize) -> usize {
    (at..tokens.len())
        .find(|at| is_mark(tokens.get(*at), ';'))
        .unwrap_or(tokens.len())
}
