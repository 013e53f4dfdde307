// What the page does without asking the server: paints a round, shows values beside sliders, plays, zooms.
// Texts are only ever set as text.
(function () {
  "use strict";

  const MOST_ZOOM = 1.5;

  let presses = 0;
  let last = null;
  let playing = null;

  const canvas = () => {
    const holder = document.getElementById("network");
    return holder && holder._cyreg ? holder._cyreg.cy : null;
  };

  // Few nodes have names below them, which need room.
  const margin = (cy) => (cy.nodes().length <= 60 ? 56 : 24);

  function fit(cy) {
    cy.fit(undefined, margin(cy));
    if (cy.zoom() > MOST_ZOOM) {
      cy.zoom(MOST_ZOOM);
      cy.center();
    }
  }

  function apply() {
    const cy = canvas();
    if (!cy || !last) return false;
    const nodes = cy.nodes();
    if (nodes.length !== last.fills.length) return false;
    const anew = cy.scratch("_drawn") !== last.drawn;
    const before = anew ? null : cy.scratch("_frame");
    cy.batch(() => {
      nodes.forEach((node) => {
        const number = Number(node.id().slice(1));
        // What stays as it is, is left alone: of a thousand nodes each costs its style.
        if (node.data("fill") !== last.fills[number]) node.data("fill", last.fills[number]);
        if (node.data("ring") !== last.rings[number]) node.data("ring", last.rings[number]);
      });
      if ((before ? before.absent : []).join() !== last.absent.join()) hide(cy, new Set(last.absent));
      if ((before ? before.picked : null) !== last.picked) mark(cy, last.picked);
    });
    cy.scratch("_frame", last);
    if (anew) {
      if (cy.scratch("_drawn") !== undefined) cy.resize();
      cy.scratch("_drawn", last.drawn);
      fit(cy);
      tips(cy);
    }
    document.getElementById("network-panel").dataset.painted = String(last.round);
    return true;
  }

  function hide(cy, absent) {
    cy.edges().forEach((edge) => {
      const ends = [edge.source(), edge.target()].map((end) => Number(end.id().slice(1))).sort((a, b) => a - b);
      edge.style("visibility", absent.has(ends.join("-")) ? "hidden" : "visible");
    });
  }

  function mark(cy, picked) {
    cy.elements().removeClass("picked away near");
    if (picked === null) return;
    const node = cy.getElementById("n" + picked);
    const near = node.closedNeighborhood();
    cy.elements().difference(near).addClass("away");
    near.edges().addClass("near");
    node.addClass("picked");
  }

  // Elements may reach cytoscape a little after the round that is to be painted on them.
  function patiently(tries) {
    if (!apply() && tries > 0) window.setTimeout(() => patiently(tries - 1), 40);
  }

  function cursors() {
    if (!window.Plotly || !last) return;
    document.querySelectorAll("#charts .js-plotly-plot").forEach((plot) => {
      if (plot.layout && plot.layout.shapes && plot.layout.shapes.length && plot.layout.shapes[0].x0 !== last.round) {
        window.Plotly.relayout(plot, { "shapes[0].x0": last.round, "shapes[0].x1": last.round });
      }
    });
  }

  function tips(cy) {
    if (cy.scratch("_tips")) return;
    cy.scratch("_tips", true);
    const tip = document.getElementById("tip");
    cy.on("mouseover", "node", (event) => {
      const number = Number(event.target.id().slice(1));
      const place = event.target.renderedPosition();
      tip.textContent = event.target.data("title") + " · " + last.quantity.toLowerCase() + " " + last.values[number];
      tip.style.left = place.x + "px";
      tip.style.top = place.y - 14 + "px";
      tip.classList.add("shown");
    });
    cy.on("mouseout pan zoom", () => tip.classList.remove("shown"));
  }

  function figure(value) {
    const number = Number(value);
    if (!Number.isFinite(number)) return value;
    const text = Number.isInteger(number) ? number.toLocaleString("en-US") : String(Number(number.toPrecision(3)));
    return text.replace("-", "−");
  }

  function told(slider) {
    const shown = Array.from(document.querySelectorAll("[data-of]")).find((each) => each.dataset.of === slider.id);
    if (shown) shown.dataset.value = figure(slider.value);
  }

  function stop() {
    if (playing !== null) window.clearInterval(playing);
    playing = null;
    const button = document.getElementById("play");
    if (button) {
      button.dataset.playing = "no";
      button.setAttribute("aria-label", "Play the rounds");
    }
  }

  function play() {
    if (playing !== null) return stop();
    const slider = document.getElementById("round");
    if (!slider) return;
    const most = Number(slider.max);
    let now = Number(slider.value) >= most ? -1 : Number(slider.value);
    const stride = Math.max(1, Math.round(most / 60));
    const button = document.getElementById("play");
    button.dataset.playing = "yes";
    button.setAttribute("aria-label", "Pause");
    playing = window.setInterval(() => {
      now = now < 0 ? 0 : Math.min(now + stride, most);
      window.dash_clientside.set_props("round", { value: now });
      if (now >= most) stop();
    }, 160);
  }

  document.addEventListener("input", (event) => {
    if (event.target.type === "range") {
      told(event.target);
      if (event.target.id === "round" && event.isTrusted) stop();
    }
  });

  document.addEventListener("change", (event) => {
    const store = event.target.dataset ? event.target.dataset.store : undefined;
    if (store) window.dash_clientside.set_props(store, { data: event.target.value });
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest ? event.target.closest("button") : null;
    if (!button) return;
    if (button.id === "play") play();
    if (button.classList.contains("pick")) {
      presses += 1;
      window.dash_clientside.set_props("chosen", { data: { model: Number(button.dataset.model), press: presses } });
      // The button goes away with the model it belonged to; whoever pressed it goes on at the new model's name.
      window.setTimeout(() => {
        const title = document.getElementById("portrait-title");
        if (title && document.activeElement === document.body) title.focus();
      }, 350);
    }
    const cy = canvas();
    if (cy && button.dataset.zoom) {
      if (button.dataset.zoom === "fit") fit(cy);
      else cy.zoom({ level: cy.zoom() * Number(button.dataset.zoom),
                     renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
    }
  });

  window.addEventListener("resize", () => {
    const cy = canvas();
    if (cy) window.setTimeout(() => { cy.resize(); fit(cy); }, 120);
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.explorer = {
    paint: function (frame) {
      if (!frame) return window.dash_clientside.no_update;
      last = frame;
      patiently(60);
      cursors();
      document.querySelectorAll("input[type=range]").forEach(told);
      // Dash calls radio buttons a list box, which screen readers then read as one.
      document.querySelectorAll(".dash-radioitems[role=listbox]").forEach((list) => {
        list.setAttribute("role", "radiogroup");
        list.querySelectorAll("[role=option]").forEach((each) => each.removeAttribute("role"));
        list.querySelectorAll("[aria-selected]").forEach((each) => each.removeAttribute("aria-selected"));
      });
      const slider = document.getElementById("round");
      if (slider) slider.setAttribute("aria-valuetext", "round " + frame.round + " of " + frame.last);
      return frame.round;
    },
  };
})();
