/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** The agenda against the map that it is. */
class AgendaTest {
  @Property(tries = 300)
  void itIsAMapFromIdsToTimes(
      @ForAll @Size(max = 400) List<@IntRange(min = 1, max = 90) Integer> ids,
      @ForAll @IntRange(min = 1, max = 97) int stride) {
    Agenda agenda = new Agenda();
    Map<Long, Long> model = new HashMap<>();
    long time = 0;
    for (int i = 0; i < ids.size(); i++) {
      long id = (long) ids.get(i) * stride;
      time += stride % 7;
      switch (i % 5) {
        case 0 -> {
          agenda.remove(id);
          model.remove(id);
        }
        case 1 -> {
          long now = time;
          assertEquals(due(model, now), taken(agenda, now));
        }
        default -> {
          agenda.put(id, time + id % 11);
          model.put(id, time + id % 11);
        }
      }
      assertEquals(model.size(), agenda.size());
    }
    assertEquals(due(model, Long.MAX_VALUE - 1), taken(agenda, Long.MAX_VALUE - 1));
    assertEquals(Agenda.NEVER, agenda.next());
  }

  /** What is due goes out of the model too. */
  private static Set<Long> due(Map<Long, Long> model, long now) {
    Set<Long> due = new HashSet<>();
    model.forEach(
        (id, at) -> {
          if (at <= now) {
            due.add(id);
          }
        });
    due.forEach(model::remove);
    return due;
  }

  private static Set<Long> taken(Agenda agenda, long now) {
    Ids ids = new Ids();
    agenda.takeDue(now, ids);
    Set<Long> taken = new HashSet<>();
    for (int i = 0; i < ids.size(); i++) {
      taken.add(ids.get(i));
    }
    assertEquals(ids.size(), taken.size(), "one came twice");
    return taken;
  }

  @Test
  void theNextTimeIsNoLaterThanTheFirst() {
    Agenda agenda = new Agenda();
    assertEquals(Agenda.NEVER, agenda.next());
    agenda.put(1, 50);
    agenda.put(2, 30);
    assertEquals(30, agenda.next());
    agenda.put(2, 90);
    assertEquals(Set.of(), taken(agenda, 40));
    assertEquals(50, agenda.next());
    assertEquals(Set.of(1L), taken(agenda, 60));
    assertEquals(90, agenda.next());
  }

  @Test
  void aHundredThousandGoInAndOut() {
    Agenda agenda = new Agenda();
    for (long id = 1; id <= 100_000; id++) {
      agenda.put(id, id % 1000);
    }
    assertEquals(100_000, agenda.size());
    assertEquals(50_000, taken(agenda, 499).size());
    assertEquals(500, agenda.next());
    assertEquals(50_000, taken(agenda, 999).size());
    assertEquals(0, agenda.size());
  }
}
