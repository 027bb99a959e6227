package io.underpass.helper;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** A file of the host's administrator, which an option of the helper names. */
final class AdminFile {
  /** Such a file is a few lines; a larger file is some other file. */
  private static final long MAX_BYTES = 64 << 10;

  private AdminFile() {}

  /**
   * Its lines.
   *
   * @param kind what people call it, and the option that names it: {@code policy}, {@code rules}
   */
  static List<String> lines(String kind, Path file) throws HelperException {
    String what = "the " + kind + " file " + file;
    String other = "name the right file with --" + kind;
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new HelperException(what + " has more than " + MAX_BYTES + " bytes", other);
      }
      return Files.readAllLines(file);
    } catch (NoSuchFileException e) {
      throw new HelperException(
          what + " does not exist", "make it, or leave --" + kind + " out", e);
    } catch (MalformedInputException e) {
      throw new HelperException(what + " is not UTF-8 text", other, e);
    } catch (HelperException e) {
      throw e;
    } catch (IOException e) {
      throw new HelperException(what + " cannot be read (" + e + ")", "make it readable", e);
    }
  }
}
