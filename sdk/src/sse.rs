//! Reads `text/event-stream` as it arrives.
//!
//! Bytes go in as they come, in pieces of any size; whole events come out. The parser follows the WHATWG definition
//! (three kinds of line end, comments, a byte-order mark, several `data` lines) with two differences that a client of
//! flags wants: text that is not UTF-8 is an error instead of replacement characters, and nothing grows without bound.

use std::time::Duration;

/// The longest line and the longest event, in bytes; a flag set of 20,000 flags is about 6 MB.
pub(crate) const EVENT_BYTES: usize = 32 << 20;

/// The longest reconnection time that is believed, so that a slip of the server does not silence its clients.
pub(crate) const RETRY_MAX: Duration = Duration::from_mins(5);

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// An event with its name (`message` when it has none), its data, and how long its receipt may wait: the field
    /// `receipt-within`, which is Hoist's own, in whole milliseconds; zero when there is none.
    Event { name: String, data: String, receipt_within: Duration },
    /// The reconnection time that the server asks for.
    Retry(Duration),
}

/// Why the rest of a stream cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("an event is larger than {EVENT_BYTES} bytes")]
    TooLarge,
    #[error("an event is not UTF-8")]
    NotUtf8,
}

/// An incremental parser; after an error it must not be fed any more.
#[derive(Debug)]
pub(crate) struct Parser {
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    receipt_within: Duration,
    /// The last byte was a CR: a LF that follows belongs to it.
    after_cr: bool,
    /// No line has ended yet, so this one may begin with a byte-order mark.
    first_line: bool,
    /// Comments that have ended since the last look.
    comments: usize,
    limit: usize,
}

impl Parser {
    pub(crate) fn new() -> Parser {
        Parser::with_limit(EVENT_BYTES)
    }

    pub(crate) fn with_limit(limit: usize) -> Parser {
        Parser {
            line: Vec::new(),
            name: String::new(),
            data: String::new(),
            has_data: false,
            receipt_within: Duration::ZERO,
            after_cr: false,
            first_line: true,
            comments: 0,
            limit,
        }
    }

    /// Takes the next bytes and appends the frames that they complete.
    pub(crate) fn push(&mut self, mut bytes: &[u8], frames: &mut Vec<Frame>) -> Result<(), Unreadable> {
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + part.len() > self.limit {
                return Err(Unreadable::TooLarge);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { return Ok(()) };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.line);
            self.end_line(&line, frames)?;
            self.reuse(line);
        }
        Ok(())
    }

    /// Whether a comment has ended since this was last asked: the server's heartbeats are comments.
    pub(crate) fn take_comment(&mut self) -> bool {
        std::mem::take(&mut self.comments) > 0
    }

    fn end_line(&mut self, mut line: &[u8], frames: &mut Vec<Frame>) -> Result<(), Unreadable> {
        if std::mem::take(&mut self.first_line) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            self.end_event(frames);
            return Ok(());
        }
        let text = std::str::from_utf8(line).map_err(|_| Unreadable::NotUtf8)?;
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.add_data(value)?,
            "retry" => {
                frames.extend(milliseconds(value).map(|asked| Frame::Retry(asked.min(RETRY_MAX))));
            }
            "receipt-within" => self.receipt_within = milliseconds(value).unwrap_or_default(),
            // The field name of a comment is empty.
            "" => self.comments += 1,
            // The id is not needed: the data name their revision.
            _ => {}
        }
        Ok(())
    }

    fn add_data(&mut self, value: &str) -> Result<(), Unreadable> {
        if self.data.len() + value.len() >= self.limit {
            return Err(Unreadable::TooLarge);
        }
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push('\n');
        }
        self.data.push_str(value);
        Ok(())
    }

    fn end_event(&mut self, frames: &mut Vec<Frame>) {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        let receipt_within = std::mem::take(&mut self.receipt_within);
        if std::mem::take(&mut self.has_data) && !data.is_empty() {
            let name = if name.is_empty() { "message".to_owned() } else { name };
            frames.push(Frame::Event { name, data, receipt_within });
        }
    }

    /// Keeps the line's memory for the next one unless it was a large one.
    fn reuse(&mut self, mut line: Vec<u8>) {
        if line.capacity() <= 64 << 10 {
            line.clear();
            self.line = line;
        }
    }
}

fn milliseconds(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_millis(value.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Frame {
        event_within(name, data, 0)
    }

    fn event_within(name: &str, data: &str, ms: u64) -> Frame {
        let receipt_within = Duration::from_millis(ms);
        Frame::Event { name: name.to_owned(), data: data.to_owned(), receipt_within }
    }

    /// Reads the stream whole, and again in two pieces cut at every byte, and byte by byte: always the same frames.
    fn check(stream: impl AsRef<[u8]>, expected: &[Frame]) {
        let stream = stream.as_ref();
        let read = |pieces: &[&[u8]]| {
            let (mut parser, mut frames) = (Parser::new(), Vec::new());
            for piece in pieces {
                parser.push(piece, &mut frames).unwrap();
            }
            frames
        };
        assert_eq!(read(&[stream]), expected, "whole");
        for cut in 0..=stream.len() {
            assert_eq!(read(&[&stream[..cut], &stream[cut..]]), expected, "cut at {cut}");
        }
        assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), expected, "byte by byte");
    }

    fn check_refused(limit: usize, stream: impl AsRef<[u8]>, expected: Unreadable) {
        for size in [1, 3, stream.as_ref().len()] {
            let (mut parser, mut frames) = (Parser::with_limit(limit), Vec::new());
            let result = stream.as_ref().chunks(size).try_for_each(|it| parser.push(it, &mut frames));
            assert_eq!(result, Err(expected));
            assert_eq!(frames, []);
            assert!(parser.line.len() <= limit && parser.data.len() <= limit);
        }
    }

    #[test]
    fn an_event_has_a_name_and_data() {
        check("event: put\nid: 42\ndata: {\"a\":1}\n\n", &[event("put", "{\"a\":1}")]);
        check("data: x\n\n", &[event("message", "x")]);
    }

    #[test]
    fn lines_end_in_three_ways_and_in_any_mix() {
        let both = [event("put", "1"), event("patch", "2")];
        for end in ["\n", "\r", "\r\n"] {
            check("event: put|data: 1||event: patch|data: 2||".replace('|', end), &both);
        }
        check("event: put\rdata: 1\r\n\nevent: patch\ndata: 2\r\r", &both);
    }

    #[test]
    fn several_data_lines_are_joined_by_line_ends() {
        check("data: a\ndata:\ndata:  b\n\n", &[event("message", "a\n\n b")]);
        check("data\ndata\n\n", &[event("message", "\n")]);
    }

    #[test]
    fn comments_and_unknown_fields_say_nothing() {
        check(": heartbeat\n\n:\n\nfoo: bar\n\n: x\ndata: 1\nwhat\n\n", &[event("message", "1")]);
    }

    #[test]
    fn a_comment_is_told_once_and_only_when_all_of_it_is_there() {
        let (mut parser, mut frames) = (Parser::new(), Vec::new());
        for piece in [": heart", "beat"] {
            parser.push(piece.as_bytes(), &mut frames).unwrap();
            assert!(!parser.take_comment(), "{piece}");
        }
        parser.push(b"\n\n", &mut frames).unwrap();
        assert_eq!((parser.take_comment(), parser.take_comment(), frames.len()), (true, false, 0));
        parser.push(b"\n\nevent: put\ndata: 1\n\n", &mut frames).unwrap();
        assert_eq!((parser.take_comment(), frames.len()), (false, 1));
    }

    #[test]
    fn an_event_without_data_is_none_and_its_name_is_forgotten() {
        check("event: put\n\ndata: 1\n\n", &[event("message", "1")]);
        check("event: put\ndata:\n\n", &[]);
    }

    #[test]
    fn an_event_that_is_cut_off_is_dropped() {
        check("data: 1\n\nevent: put\ndata: 2\n", &[event("message", "1")]);
        check("data: 1", &[]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped_at_the_start_only() {
        check("\u{feff}data: 1\n\n\u{feff}data: 2\n\n", &[event("message", "1")]);
        check("\u{feff}\ndata: 1\n\n", &[event("message", "1")]);
    }

    #[test]
    fn only_one_space_after_the_colon_is_left_out() {
        check(
            "data:1\n\ndata: 2\n\ndata:   3 \n\n",
            &[event("message", "1"), event("message", "2"), event("message", "  3 ")],
        );
    }

    #[test]
    fn text_of_any_script_survives_a_cut_inside_a_character() {
        check("data: blåbær 旗 🚩\n\n", &[event("message", "blåbær 旗 🚩")]);
    }

    #[test]
    fn a_reconnection_time_is_whole_milliseconds_within_reason() {
        check("retry: 1500\n", &[Frame::Retry(Duration::from_millis(1500))]);
        check("retry: 1.5\nretry: -1\nretry:\nretry: 5s\n", &[]);
        check("retry: 99999999999999999999999\n", &[Frame::Retry(RETRY_MAX)]);
    }

    #[test]
    fn an_event_says_how_long_its_receipt_may_wait_and_the_next_one_does_not() {
        let two = "event: patch\nreceipt-within: 400\ndata: 1\n\ndata: 2\n\n";
        check(two, &[event_within("patch", "1", 400), event("message", "2")]);
        check("receipt-within: soon\ndata: 1\n\n", &[event("message", "1")]);
        check("receipt-within: 7\n\ndata: 1\n\n", &[event("message", "1")]);
    }

    #[test]
    fn nothing_grows_beyond_its_bound() {
        check_refused(16, "data: 0123456789a", Unreadable::TooLarge);
        check_refused(16, ": 0123456789abcdef", Unreadable::TooLarge);
        check_refused(16, "data: 01234567\ndata: 01234567\n\n", Unreadable::TooLarge);
    }

    #[test]
    fn empty_data_lines_count_towards_the_bound() {
        check_refused(16, "data\n".repeat(20), Unreadable::TooLarge);
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        check_refused(64, b"data: \xff\xfe\n\n", Unreadable::NotUtf8);
    }
}
