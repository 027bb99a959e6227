/* SPDX-License-Identifier: Apache-2.0 */
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

/** The files of rules that the host's administrator writes, and options of the helper name. */
enum AdminFile {
  POLICY("policy", "the policy is"),
  RULES("rules", "the rules are");

  /** Such a file is a few lines; a larger file is some other file. */
  private static final int MAX_BYTES = 64 << 10;

  /** The word that people use for the file, and the name of its option. */
  private final String kind;

  /** The beginning of a message about its content. */
  private final String title;

  AdminFile(String kind, String title) {
    this.kind = kind;
    this.title = title;
  }

  /** The beginning of a message about the content of this file. */
  String title() {
    return title;
  }

  /** The lines of the file, if nobody but the administrator can have written them. */
  List<String> lines(Path file) throws HelperException {
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
