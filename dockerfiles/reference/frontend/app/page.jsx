import { Room } from "./room.jsx";

export default function Page() {
  return <Room room="lobby" release={process.env.RELEASE} />;
}
