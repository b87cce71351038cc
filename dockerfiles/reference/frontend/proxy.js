// In front of every page: the release says its name, and one that is told to misbehave does.
import { NextResponse } from "next/server";

import { faultsOf } from "./lib/faults.js";

const faults = faultsOf(process.env);

export async function proxy() {
  if (faults.latencyMs) await new Promise((resolve) => setTimeout(resolve, faults.latencyMs));
  const fails = faults.errorRate > 0 && Math.random() < faults.errorRate;
  const answer = fails ? new NextResponse("out of order", { status: 500 }) : NextResponse.next();
  answer.headers.set("x-revision", process.env.K_REVISION || "local");
  return answer;
}

export const config = { matcher: ["/((?!_next/|health/).*)"] };
