// What htmx does not do by itself. Every page works without this file.
(() => {
  "use strict";

  const notices = () => document.getElementById("notices");

  // Error pages of the shop itself carry a notice for the person; those of anything in between do not.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answer = event.detail.xhr;
    if (answer.status >= 400 && answer.getResponseHeader("X-Storefront") === "page") {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
      // The page stays what it was; only a notice is put into it.
      event.detail.ignoreTitle = true;
    }
  });

  const lost = () => {
    const note = document.getElementById("lost").content.cloneNode(true);
    note.firstElementChild.dataset.lost = "";
    if (!notices().querySelector("[data-lost]")) notices().replaceChildren(note);
  };
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:responseError", lost);
  document.addEventListener("htmx:afterOnLoad", () => {
    notices().querySelector("[data-lost]")?.remove();
  });

  // Whoever works with the keyboard must not be sent back to the top of the page by a swap.
  let products = 0;
  document.addEventListener("htmx:beforeSwap", (event) => {
    products = event.detail.target.closest?.("#products") ? document.querySelectorAll("#products > .card").length : 0;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (document.activeElement !== document.body) return;
    if (products) document.querySelectorAll("#products > .card")[products]?.querySelector("a")?.focus({ preventScroll: true });
    else if (document.getElementById("cart")) document.getElementById("cart-title").focus();
    else if (event.target.id === "files") event.target.focus();
  });

  // The connection to an order's page breaks when a server leaves; the browser comes back by itself.
  document.addEventListener("htmx:sseError", () => {
    const connection = document.getElementById("connection");
    if (connection) connection.textContent = "Live updates are interrupted; trying again.";
  });

  // A second press is harmless; a button that shows that it was pressed is friendlier.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-once]")) return;
    const button = event.target.querySelector("button");
    button.setAttribute("aria-busy", "true");
    button.textContent = "One moment…";
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && document.querySelector("[data-once]")) location.reload();
  });

  const upload = () => document.querySelector("[data-upload]");
  document.addEventListener("change", (event) => {
    const form = upload();
    if (!form || event.target.type !== "file") return;
    const file = event.target.files[0];
    const large = file && file.size > Number(form.dataset.limit);
    event.target.setCustomValidity(large ? "This file is larger than the shop accepts." : "");
    event.target.reportValidity();
  });
  document.addEventListener("htmx:xhr:progress", (event) => {
    const bar = document.getElementById("sent");
    if (!bar || !upload()?.contains(event.target) || !event.detail.lengthComputable) return;
    bar.hidden = false;
    bar.value = (event.detail.loaded / event.detail.total) * 100;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = upload();
    if (!form || event.target !== form) return;
    document.getElementById("sent").hidden = true;
    if (event.detail.xhr.status < 400) form.reset();
  });
})();
