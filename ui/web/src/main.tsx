import { render } from "preact";

import "./style/index.css";
import { startFields } from "./state/fields";
import { applyTheme } from "./state/prefs";
import { startSearching } from "./state/search";
import { startSelection } from "./state/selection";
import { startTailing } from "./state/tail";
import { listenToHistory } from "./state/view";
import { App } from "./view/app";
import { listenToKeys } from "./view/keys";

applyTheme();
listenToHistory();
startSearching();
startTailing();
startSelection();
startFields();
listenToKeys();

const root = document.getElementById("app");
if (root) render(<App />, root);
