/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.FlowLayouts.Flow;
import io.underpass.ffm.FlowLayouts.Sock;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FlowRankingTest {
  private record End(long id, long peer, long tcp, long redirected) {}

  @Test
  void whatAnotherEndHasRedirectedCountsForItsReceiver() {
    FlowRanking ranking = new FlowRanking(0);
    flow(ranking, new End(1, 2, 10, 0));
    flow(ranking, new End(2, 1, 10, 1000));
    flow(ranking, new End(3, 4, 900, 0));
    flow(ranking, new End(5, 0, 20, 0));
    assertEquals(4, ranking.flows());
    assertEquals(List.of(4L), list(ranking.missingPeers()));
    ranking.addPeer(row(new End(4, 3, 0, 500)), 0);
    assertEquals(4, ranking.flows());
    assertEquals(List.of(), list(ranking.missingPeers()));

    assertEquals(List.of(3L, 1L, 2L, 5L), sortedTies(list(ranking.busiest(10))));
    assertEquals(List.of(3L), list(ranking.busiest(1)));
    assertEquals(List.of(), list(ranking.busiest(0)));
    assertEquals(List.of(4L, 2L), list(ranking.peersOf(ids(3, 1, 5))));
  }

  /** Against a list that is sorted; the arrays and the table have to grow. */
  @Test
  void thousandsAreRankedAsASortedListWould() {
    Random random = new Random(7);
    int pairs = 5000;
    List<End> all = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      long id = 1 + 2L * i;
      all.add(new End(id, id + 1, random.nextInt(1 << 20), random.nextInt(1 << 20)));
      all.add(new End(id + 1, id, random.nextInt(1 << 20), random.nextInt(1 << 20)));
    }
    FlowRanking ranking = new FlowRanking(10);
    all.forEach(end -> flow(ranking, end));
    List<Long> wanted =
        all.stream()
            .sorted(
                Comparator.comparingLong(
                        (End end) -> end.tcp + end.redirected + peerOf(end, all).redirected)
                    .reversed())
            .limit(100)
            .map(End::id)
            .toList();
    assertEquals(wanted, list(ranking.busiest(100)));
    assertEquals(2L * pairs, ranking.flows());
  }

  private static End peerOf(End end, List<End> all) {
    return all.get((int) end.peer - 1);
  }

  private static void flow(FlowRanking ranking, End end) {
    ranking.addFlow(row(end), 0);
  }

  private static ByteBuffer row(End end) {
    return ByteBuffer.allocate(Flow.SIZE)
        .putLong(Sock.ID, end.id)
        .putLong(Sock.PEER_ID, end.peer)
        .putLong(Flow.TCP_BYTES_SENT, end.tcp)
        .putLong(Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES, end.redirected);
  }

  /** 1 and 2 have the same bytes. */
  private static List<Long> sortedTies(List<Long> ids) {
    assertEquals(4, ids.size());
    List<Long> sorted = new ArrayList<>(ids);
    sorted.subList(1, 3).sort(null);
    return sorted;
  }

  private static Ids ids(long... some) {
    Ids ids = new Ids();
    for (long id : some) {
      ids.add(id);
    }
    return ids;
  }

  private static List<Long> list(Ids ids) {
    return IntStream.range(0, ids.size()).mapToObj(ids::get).toList();
  }
}
