/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.config.Settings.Mode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortRanges;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
  private static final Map<String, String> NONE = Map.of();

  @TempDir Path folder;

  @Test
  void nothingSaidMeansTheDefaults() {
    Settings expected =
        new Settings(
            Mode.AUTO,
            HelperClient.DEFAULT_SOCKET,
            Settings.DEFAULT_FLOWS,
            true,
            true,
            false,
            null,
            false,
            false,
            List.of());
    assertEquals(expected, Settings.read(null, NONE, NONE));
    assertEquals(expected, Settings.read("", NONE, NONE));
    assertEquals(expected, Settings.read(",,", NONE, NONE));
  }

  @Test
  void theArgumentCountsBeforeThePropertyBeforeTheEnvironmentBeforeTheFile() throws Exception {
    Map<String, String> file = Map.of("UNDERPASS_CONFIG", file("flows=4"));
    Map<String, String> environment =
        Map.of("UNDERPASS_FLOWS", "3", "UNDERPASS_CONFIG", file("flows=4"));
    Map<String, String> property = Map.of("underpass.flows", "2");
    assertEquals(1, Settings.read("flows=1", property, environment).flows());
    assertEquals(2, Settings.read(null, property, environment).flows());
    assertEquals(3, Settings.read(null, NONE, environment).flows());
    assertEquals(4, Settings.read(null, NONE, file).flows());
  }

  @Test
  void everyKeyIsTakenFromTheArgument() throws Exception {
    Settings settings =
        Settings.read(
            "enabled=on,socket=/tmp/s, flows = 7 ,spin=off,join=now,config=" + file(""),
            NONE,
            NONE);
    assertEquals(
        new Settings(
            Mode.ON, Path.of("/tmp/s"), 7, false, true, true, null, false, false, List.of()),
        settings);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense",
        "=",
        "=on",
        "colour=blue",
        "Enabled=on",
        "enabled",
        "enabled=",
        "enabled=yes",
        "spin=on",
        "join=later",
        "enabled=ON",
        "flows=0",
        "flows=1001",
        "flows=-5",
        "flows=ten",
        "flows=99999999999",
        "socket=relative/path",
        "socket=",
        "socket=/a\0b",
        "config=/no/such/file",
        "config=/",
        "config=\0",
        "group=",
        "group=bl/ue",
        "group=a2345678901234567",
        "ports=70000",
        "ports=9100-9000",
        "publish=http",
        "identity=localhost",
        "ports=8080", // and the three after it: there is no group
        "publish=8080",
        "identity=auto",
      })
  void aBadOptionIsToldAndTheRestApplies(String bad) {
    for (String argument : new String[] {"flows=7," + bad, bad + ",flows=7"}) {
      if (bad.startsWith("flows=")) {
        argument = bad;
      }
      Settings settings = Settings.read(argument, NONE, NONE);
      assertEquals(1, settings.problems().size(), () -> settings.problems().toString());
      String problem = settings.problems().get(0);
      assertTrue(problem.startsWith(bad.replace('\0', '?') + " ("), problem);
      assertEquals(bad.startsWith("flows=") ? Settings.DEFAULT_FLOWS : 7, settings.flows());
      assertEquals(Mode.AUTO, settings.enabled());
      assertEquals(HelperClient.DEFAULT_SOCKET, settings.socket());
    }
  }

  @Test
  void aGroupComesWithWhatIsAskedOfIt() {
    Settings settings =
        Settings.read(
            "group=blue,ports=8080;9000-9100",
            Map.of("underpass.publish", "8080"),
            Map.of("UNDERPASS_IDENTITY", "127.20.0.7"));
    assertEquals(
        new GroupWish(
            "blue", PortRanges.parse("8080;9000-9100"), PortRanges.parse("8080"), "127.20.0.7"),
        settings.wish());
    GroupWish client = Settings.read("group=blue", NONE, NONE).wish();
    assertEquals(new GroupWish("blue", PortRanges.NONE, PortRanges.NONE, ""), client);
    assertEquals(List.of(), settings.problems());
  }

  @Test
  void aGroupIsRequiredByAMarkOrByAnOption() {
    for (String argument :
        List.of("group=blue!", "group=blue,required=true", "group=blue!,required=false")) {
      Settings settings = Settings.read(argument, NONE, NONE);
      assertTrue(settings.required(), argument);
      assertEquals("blue", settings.wish().group());
      assertEquals(List.of(), settings.problems());
    }
    Map<String, String> environment = Map.of("UNDERPASS_REQUIRED", "true");
    assertTrue(Settings.read("group=blue", NONE, environment).required());
    assertFalse(Settings.read("group=blue,required=false", NONE, environment).required());
    assertFalse(Settings.read("group=green", Map.of("underpass.group", "blue!"), NONE).required());
    assertFalse(Settings.read("group=blue", NONE, NONE).required());
  }

  /** Whoever meant it, and wrote it wrongly, did not mean that it may be left out. */
  @Test
  void aGroupIsRequiredByWhatIsMalformedToo() {
    for (String argument : List.of("group=bl/ue!", "group=!", "required=true", "required=")) {
      Settings settings = Settings.read(argument, NONE, NONE);
      assertTrue(settings.required(), argument);
      assertFalse(settings.problems().isEmpty(), argument);
    }
    Settings settings = Settings.read("group=bl/ue!", Map.of("underpass.group", "green"), NONE);
    assertTrue(settings.required());
    assertEquals(1, settings.problems().size());
  }

  @Test
  void aGroupThatIsNotValidIsKnownToHaveBeenAskedFor() {
    assertTrue(Settings.read("group=bl/ue", NONE, NONE).groupless());
    assertFalse(Settings.read("group=blue", NONE, NONE).groupless());
    assertFalse(Settings.read(null, NONE, NONE).groupless());
  }

  @Test
  void aBadValueLeavesTheNextPlaceItsSay() {
    Settings settings =
        Settings.read("flows=x", Map.of("underpass.flows", "y"), Map.of("UNDERPASS_FLOWS", "9"));
    assertEquals(9, settings.flows());
    assertEquals(2, settings.problems().size());
    assertTrue(settings.problems().get(1).startsWith("-Dunderpass.flows=y ("));
  }

  @Test
  void anOptionGivenTwiceKeepsItsFirstValue() {
    Settings settings = Settings.read("flows=1,flows=2", NONE, NONE);
    assertEquals(1, settings.flows());
    assertEquals(List.of("flows=2 (it is given twice)"), settings.problems());
  }

  @Test
  void aBadFileIsToldWithItsName() throws Exception {
    String file = file("flows=x\ncolour=blue\nenabled=on\n");
    Settings settings = Settings.read("config=" + file, NONE, NONE);
    assertEquals(Mode.ON, settings.enabled());
    assertEquals(2, settings.problems().size());
    assertTrue(settings.problems().stream().allMatch(problem -> problem.contains(file)));
    String broken = file("flows=\\u00zz");
    assertEquals(1, Settings.read("config=" + broken, NONE, NONE).problems().size());
    Path binary = Files.write(folder.resolve("b"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
    assertEquals(1, Settings.read("config=" + binary, NONE, NONE).problems().size());
  }

  @Test
  void anEmptyVariableIsAsGoodAsNone() {
    assertEquals(List.of(), Settings.read(null, NONE, Map.of("UNDERPASS_ENABLED", "")).problems());
  }

  @Test
  void whatIsToldIsOneShortLine() {
    Settings settings = Settings.read("x\ny=" + "z".repeat(5000), NONE, NONE);
    String problem = settings.problems().get(0);
    assertTrue(problem.startsWith("x?y=zzz") && problem.length() < 250, problem);
  }

  @Test
  void otherNamesWithThePrefixAreNotOurs() {
    Settings settings =
        Settings.read(null, Map.of("underpass.root", "/x"), Map.of("UNDERPASS_ROOT", "/x"));
    assertEquals(List.of(), settings.problems());
  }

  private String file(String text) throws IOException {
    return Files.writeString(Files.createTempFile(folder, "agent", ".properties"), text).toString();
  }
}
