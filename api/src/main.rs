//! The `wayin` command.

fn main() {
    print!("{}", wayin::schema::sdl());
}
