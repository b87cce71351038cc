import "./style.css";

export const metadata = {
  title: "PushNchat",
  description: "Chat that works on a bad line",
  icons: { icon: "data:," }, // else every first visit asks for a /favicon.ico that nobody made
};
export const viewport = { width: "device-width", initialScale: 1 };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
