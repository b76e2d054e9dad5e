// Spends the link's word, which stands behind # and so was never sent by itself; keeps the session's key in this origin's storage.

const word = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const response = await fetch("/sign-in", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ word }),
});
if (response.ok) {
  localStorage.setItem("watchline", (await response.json()).key);
  location.replace("/");
} else {
  document.getElementById("signing-in").hidden = true;
  document.getElementById("refused").hidden = false;
}
