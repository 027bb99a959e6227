package io.underpass.policy;

import io.underpass.host.HelperException;
import io.underpass.host.TrustedPath;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A file of the host's administrator, which an option of the helper names. */
final class AdminFile {
  /** Such a file is a few lines; a larger file is some other file. */
  private static final int MAX_BYTES = 64 << 10;

  private AdminFile() {}

  /**
   * Its lines, if nobody but the administrator can have written them.
   *
   * @param kind what people call it, and the option that names it: {@code policy}, {@code rules}
   */
  static List<String> lines(String kind, Path file) throws HelperException {
    String what = "the " + kind + " file " + file;
    String other = "name the right file with --" + kind;
    if (Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new HelperException(what + " does not exist", "make it, or leave --" + kind + " out");
    }
    new TrustedPath(file, "--" + kind).checkFile();
    try (InputStream in =
        Files.newInputStream(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new HelperException(what + " has more than " + MAX_BYTES + " bytes", other);
      }
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes))
          .toString()
          .lines()
          .toList();
    } catch (CharacterCodingException e) {
      throw new HelperException(what + " is not UTF-8 text", other, e);
    } catch (HelperException e) {
      throw e;
    } catch (IOException e) {
      throw new HelperException(what + " cannot be read (" + e + ")", "make it readable", e);
    }
  }
}
