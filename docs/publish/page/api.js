// Draws the document that the page names. Nothing is told to anybody: the viewer's telemetry is
// off, and the page's policy would refuse it.
import { init } from "./redoc.js";

const place = document.querySelector("#api");
init(
  place.dataset.document,
  { disableTelemetry: true, hideDownloadButtons: true },
  place,
);
