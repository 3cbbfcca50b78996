//! Colour, or none.

/// Whether text is coloured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paint {
    /// Letters alone.
    Plain,
    /// With the escapes of ANSI terminals.
    Ansi,
}

/// What a piece of text is to the reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// What is told.
    Plain,
    /// A heading.
    Heading,
    /// What one may skip.
    Aside,
    /// A wait.
    Waits,
    /// A wake-up.
    Wakes,
    /// What never goes on.
    Stuck,
}

impl Paint {
    /// Coloured or not.
    pub fn new(colour: bool) -> Paint {
        if colour { Paint::Ansi } else { Paint::Plain }
    }

    /// The text in its tone.
    ///
    /// ```
    /// use turnstile::show::{Paint, Tone};
    /// assert_eq!(Paint::Ansi.paint(Tone::Heading, "hub"), "\x1b[1mhub\x1b[0m");
    /// assert_eq!(Paint::Plain.paint(Tone::Heading, "hub"), "hub");
    /// ```
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match (self, tone) {
            (Paint::Plain, _) | (_, Tone::Plain) => return text.to_owned(),
            (Paint::Ansi, Tone::Heading) => "1",
            (Paint::Ansi, Tone::Aside) => "2",
            (Paint::Ansi, Tone::Waits) => "33",
            (Paint::Ansi, Tone::Wakes) => "36",
            (Paint::Ansi, Tone::Stuck) => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
