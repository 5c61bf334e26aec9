// A CPU profile of this instance, for whoever has the token; off where none is set.
import crypto from "node:crypto";
import { Session } from "node:inspector";
import { promisify } from "node:util";

let session = null;
const post = (name) => promisify(session.post.bind(session))(name);

function check(request) {
  const given = Buffer.from(request.headers.authorization?.replace(/^Bearer /, "") ?? "");
  const wanted = Buffer.from(process.env.PROFILE_TOKEN ?? "");
  if (!wanted.length || given.length !== wanted.length || !crypto.timingSafeEqual(given, wanted)) {
    throw Object.assign(new Error("there is no such page"), { status: 404 });
  }
}

export async function start({ request }) {
  check(request);
  if (session) throw Object.assign(new Error("a profile is being taken"), { status: 409 });
  session = new Session();
  session.connect();
  await post("Profiler.enable");
  await post("Profiler.start");
  return { body: { profiling: true } };
}

export async function stop({ request }) {
  check(request);
  if (!session) throw Object.assign(new Error("no profile is being taken"), { status: 409 });
  const { profile } = await post("Profiler.stop");
  session.disconnect();
  session = null;
  return { body: profile };
}
