/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.config;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;

/**
 * The four places of a setting, in their order. What is not understood is left out and told; the
 * next place counts.
 *
 * <p>Unknown keys are told of the argument and of the file. System properties and the environment
 * are only asked for the known ones: other programs of the project have names with these prefixes
 * too.
 */
final class Sources {
  static final List<String> KEYS =
      List.of(
          "enabled",
          "socket",
          "config",
          "flows",
          "spin",
          "pace",
          "join",
          "group",
          "ports",
          "publish",
          "identity",
          "required");
  static final String PROPERTY_PREFIX = "underpass.";
  private static final String ENVIRONMENT_PREFIX = "UNDERPASS_";

  /** No option is longer; the rest of what somebody typed tells nothing. */
  private static final int MAX_TOLD = 120;

  private final List<Place> places = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();

  /** One place: its values by key, and how it writes a key, for people. */
  private record Place(Map<String, String> values, Function<String, String> spelling) {}

  Sources(String argument, Map<String, String> properties, Map<String, String> environment) {
    places.add(new Place(parse(argument), key -> key));
    places.add(new Place(pick(properties, Sources::property), key -> "-D" + property(key)));
    places.add(new Place(pick(environment, Sources::variable), Sources::variable));
    first("config", null, Path::of, this::addFile);
  }

  /** The first valid value of that key. */
  <T> T first(String key, T otherwise, Function<String, T> parser) {
    return first(key, otherwise, parser, value -> null);
  }

  /** A valid value that means nothing without a group; an empty one was not given. */
  void needsGroup(String key, String value) {
    if (!value.isEmpty()) {
      tell(key + "=" + value, "there is no valid group");
    }
  }

  /** Whether any place has that key, with whatever value. */
  boolean isGiven(String key) {
    return places.stream().anyMatch(place -> place.values.containsKey(key));
  }

  /** What was ignored, and why. */
  List<String> problems() {
    return List.copyOf(problems);
  }

  /**
   * Like the other; {@code use} takes the value, and may find fault with it by returning the fault.
   */
  private <T> T first(
      String key, T otherwise, Function<String, T> parser, Function<T, String> use) {
    for (Place place : List.copyOf(places)) {
      String text = place.values.get(key);
      if (text != null) {
        String fault;
        try {
          T value = parser.apply(text);
          fault = use.apply(value);
          if (fault == null) {
            return value;
          }
        } catch (IllegalArgumentException e) {
          fault = e.getMessage();
        }
        tell(place.spelling.apply(key) + "=" + text, fault);
      }
    }
    return otherwise;
  }

  private Map<String, String> parse(String argument) {
    Map<String, String> values = new LinkedHashMap<>();
    if (argument == null) {
      return values;
    }
    int at = 0;
    while (at <= argument.length()) {
      int comma = argument.indexOf(',', at);
      int end = comma < 0 ? argument.length() : comma;
      String option = argument.substring(at, end).strip();
      int equals = option.indexOf('=');
      if (equals < 0 && !option.isEmpty()) {
        tell(option, "it is no key=value");
      } else if (equals >= 0) {
        String key = option.substring(0, equals).strip();
        String value = option.substring(equals + 1).strip();
        if (!KEYS.contains(key)) {
          tell(option, unknown(KEYS));
        } else if (values.putIfAbsent(key, value) != null) {
          tell(option, "it is given twice");
        }
      }
      at = end + 1;
    }
    return values;
  }

  /** Adds the file as the last place; answers why it could not. */
  private String addFile(Path file) {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      properties.load(reader);
    } catch (IOException e) {
      return "the file cannot be read: " + e.getClass().getSimpleName();
    }
    Map<String, String> values = new LinkedHashMap<>();
    List<String> keys = KEYS.stream().filter(key -> !key.equals("config")).toList();
    for (String key : properties.stringPropertyNames()) {
      if (keys.contains(key)) {
        values.put(key, properties.getProperty(key).strip());
      } else {
        tell(key + "=" + properties.getProperty(key) + " in " + file, unknown(keys));
      }
    }
    places.add(new Place(values, key -> file + ": " + key));
    return null;
  }

  private void tell(String text, String why) {
    StringBuilder line = new StringBuilder();
    text.chars()
        .limit(MAX_TOLD)
        .forEach(c -> line.append(Character.isISOControl(c) ? '?' : (char) c));
    problems.add(line + " (" + why + ")");
  }

  private static String unknown(List<String> keys) {
    return "unknown option; there are " + String.join(", ", keys);
  }

  private static Map<String, String> pick(
      Map<String, String> from, Function<String, String> spelling) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String key : KEYS) {
      String value = from.get(spelling.apply(key));
      // An empty variable is how a shell takes one back.
      if (value != null && !value.isEmpty()) {
        values.put(key, value);
      }
    }
    return values;
  }

  private static String property(String key) {
    return PROPERTY_PREFIX + key;
  }

  private static String variable(String key) {
    return ENVIRONMENT_PREFIX + key.toUpperCase(Locale.ROOT);
  }
}
