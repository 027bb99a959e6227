package io.underpass.datapath;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.NativeException;

/**
 * What can be set before the object is loaded.
 *
 * @param takeEvery enrol every pair as soon as it is found, whatever its traffic
 * @param maxMembers how many sockets can be enrolled
 */
public record Tuning(boolean takeEvery, int maxMembers) {
  public static final Tuning DEFAULT = new Tuning(false, Layouts.UP_MAX_MEMBERS);

  public Tuning withTakeEvery(boolean every) {
    return new Tuning(every, maxMembers);
  }

  public Tuning withMaxMembers(int most) {
    return new Tuning(takeEvery, most);
  }

  void apply(BpfObject object) throws NativeException {
    object.setKnob("take_every", takeEvery ? 1 : 0);
    object.setMaxEntries("members", maxMembers);
    object.setMaxEntries("senders", maxMembers);
  }
}
