# Strings, as they are hashed, sent to Python and opened as files: in UTF-8.

# Strings that UTF-8 represents, in that encoding. Raises an error for others, and for control and
# direction characters, which a message or a list of files would not show.
as_utf8 <- function(name, strings) {
  if (all(is_plain_ascii(strings))) {
    return(strings)
  }
  if (!all(is_encoded(strings))) {
    stop_argument(name, strings, "valid UTF-8 or in the encoding of the session or Latin-1")
  }
  strings <- in_utf8(strings)
  if (any(grepl(control_characters, strings, perl = TRUE), na.rm = TRUE)) {
    stop_argument(name, strings, "given without control and direction characters")
  }
  strings
}

# The characters not allowed in a manifest's names. A pattern in UTF-8, so that PCRE matches
# characters rather than bytes.
control_characters <- paste0(
  "[",
  intToUtf8(c(0x1, 0x2d, 0x1f, 0x7f, 0x2d, 0x9f, 0x61c, 0x200e, 0x200f)),
  intToUtf8(c(0x2028, 0x2d, 0x202e, 0x2066, 0x2d, 0x2069)),
  "]"
)

is_plain_ascii <- function(strings) {
  !grepl("[^ -~]", strings, useBytes = TRUE)
}

is_encoded <- function(strings) {
  declared <- Encoding(strings)
  valid <- validEnc(strings) & declared != "bytes"
  if (is_c_locale()) valid & (declared != "unknown" | validUTF8(strings)) else valid
}

in_utf8 <- function(strings) {
  if (is_c_locale()) {
    # where enc2utf8() replaces each byte beyond ASCII by its code
    Encoding(strings)[Encoding(strings) == "unknown"] <- "UTF-8"
  }
  enc2utf8(strings)
}

# Whether the session's encoding has no characters beyond ASCII.
is_c_locale <- function() {
  Sys.getlocale("LC_CTYPE") %in% c("C", "POSIX")
}

# Replaces characters that are not printed, and bytes that are no characters, by their codes.
escape_invisible <- function(code) {
  if (is_plain_ascii(code)) {
    return(code)
  }
  code <- if (is_encoded(code)) in_utf8(code) else iconv(code, "UTF-8", "UTF-8", sub = "\\x%02x")
  found <- gregexpr(control_characters, code, perl = TRUE)
  regmatches(code, found) <- lapply(regmatches(code, found), function(characters) {
    sprintf("\\u%04x", vapply(characters, utf8ToInt, 0L))
  })
  code
}
