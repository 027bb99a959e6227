/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.config;

import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.Wire;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * What the agent is told.
 *
 * <p>Each setting comes from the first place that has a valid value of it: the agent's argument
 * ({@code key=value,key=value}), the system property {@code underpass.<key>}, the environment
 * variable {@code UNDERPASS_<KEY>}, the properties file that {@code config} names (with any of the
 * first three), the default.
 *
 * @param enabled whether to run at all, and how loud to be if that fails
 * @param socket where the helper listens
 * @param flows how many flows the JMX table shows at most, {@code 1..}{@link Wire#MAX_FLOWS}
 * @param spin whether a read may look for its bytes for some microseconds before it blocks
 * @param pace whether a large write may let its reader come along first, for a millisecond or two
 * @param joinNow whether a connection asks to be accelerated as soon as it is made, and not only
 *     when it has lasted
 * @param wish what is asked of a port group; null: nothing
 * @param required whether this JVM is to run in its group or not at all
 * @param groupless whether a group was named, and none of it is valid
 * @param problems one text for each value that was ignored: what it was, and why
 */
public record Settings(
    Mode enabled,
    Path socket,
    int flows,
    boolean spin,
    boolean pace,
    boolean joinNow,
    GroupWish wish,
    boolean required,
    boolean groupless,
    List<String> problems) {
  /** Enough to see what matters, little enough to read every second. */
  public static final int DEFAULT_FLOWS = 100;

  /** Behind a group's name: the JVM is to run in it or not at all. */
  private static final String REQUIRED_MARK = "!";

  /** The values of {@code enabled}. */
  public enum Mode {
    /** Accelerate if it can be; a start that cannot is one line. */
    AUTO,
    /** The same, and a start that cannot is a warning. */
    ON,
    /** Do nothing, say nothing. */
    OFF
  }

  /** Reads them, for the agent's argument, which may be null. */
  public static Settings read(String argument) {
    return read(argument, propertiesOf(System.getProperties()), System.getenv());
  }

  /** Reads them from the given places. */
  static Settings read(
      String argument, Map<String, String> properties, Map<String, String> environment) {
    Sources sources = new Sources(argument, properties, environment);
    Mode enabled = sources.first("enabled", Mode.AUTO, Settings::mode);
    Path socket = sources.first("socket", HelperClient.DEFAULT_SOCKET, Settings::absolute);
    int flows = sources.first("flows", DEFAULT_FLOWS, Settings::limit);
    boolean spin = sources.first("spin", true, Settings::autoOrOff);
    boolean pace = sources.first("pace", true, Settings::autoOrOff);
    boolean joinNow = sources.first("join", false, Settings::autoOrNow);
    // Also one that is malformed says that it may not be left out.
    boolean[] marked = {false};
    String group =
        sources.first(
            "group",
            null,
            text -> {
              marked[0] |= text.endsWith(REQUIRED_MARK);
              return group(text);
            });
    boolean required =
        sources.first("required", sources.isGiven("required"), Settings::trueOrFalse) || marked[0];
    GroupWish wish = wish(sources, group, required);
    boolean groupless = group == null && sources.isGiven("group");
    return new Settings(
        enabled, socket, flows, spin, pace, joinNow, wish, required, groupless, sources.problems());
  }

  /** What stands without a group is told. */
  private static GroupWish wish(Sources sources, String group, boolean required) {
    PortRanges ports = sources.first("ports", PortRanges.NONE, PortRanges::parse);
    PortRanges publish = sources.first("publish", PortRanges.NONE, PortRanges::parse);
    String identity = sources.first("identity", "", GroupWish::identity);
    if (group != null) {
      return new GroupWish(group, ports, publish, identity);
    }
    sources.needsGroup("ports", ports.text());
    sources.needsGroup("publish", publish.text());
    sources.needsGroup("identity", identity);
    sources.needsGroup("required", required ? "true" : "");
    return null;
  }

  private static String group(String text) {
    int end = text.length() - (text.endsWith(REQUIRED_MARK) ? REQUIRED_MARK.length() : 0);
    return GroupWish.name(text.substring(0, end));
  }

  private static boolean trueOrFalse(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("it is neither true nor false");
    };
  }

  private static Map<String, String> propertiesOf(Properties properties) {
    Map<String, String> known = new HashMap<>();
    for (String key : Sources.KEYS) {
      String value = properties.getProperty(Sources.PROPERTY_PREFIX + key);
      if (value != null) {
        known.put(Sources.PROPERTY_PREFIX + key, value);
      }
    }
    return known;
  }

  private static Mode mode(String text) {
    return switch (text) {
      case "auto" -> Mode.AUTO;
      case "on" -> Mode.ON;
      case "off" -> Mode.OFF;
      default -> throw new IllegalArgumentException("it is neither auto, on nor off");
    };
  }

  private static boolean autoOrOff(String text) {
    return switch (text) {
      case "auto" -> true;
      case "off" -> false;
      default -> throw new IllegalArgumentException("it is neither auto nor off");
    };
  }

  private static boolean autoOrNow(String text) {
    return switch (text) {
      case "auto" -> false;
      case "now" -> true;
      default -> throw new IllegalArgumentException("it is neither auto nor now");
    };
  }

  private static Path absolute(String text) {
    Path path = Path.of(text);
    if (!path.isAbsolute()) {
      throw new IllegalArgumentException("it is no absolute path");
    }
    return path;
  }

  private static int limit(String text) {
    try {
      int limit = Integer.parseInt(text);
      if (limit >= 1 && limit <= Wire.MAX_FLOWS) {
        return limit;
      }
    } catch (NumberFormatException e) {
      // The same answer as for one out of range.
    }
    throw new IllegalArgumentException("it is no number from 1 to " + Wire.MAX_FLOWS);
  }
}
