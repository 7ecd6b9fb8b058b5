"""The stories of this web. Every place, person and company in them is fictitious."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """One story as its author wrote it; templates turn it into pages."""

    slug: str
    title: str
    standfirst: str
    author: str
    paragraphs: tuple[str, ...]
    caption: str
    credit: str
    subhead: str = ""
    language: str = "en"


STORIES = (
    Story(
        "tram-line",
        "Ostrava Road tram line opens after nine years of delays",
        "The first passengers rode from the docks to the hospital before dawn on Monday.",
        "Marta Whitfield",
        (
            "The first tram left the dock terminal at 4:52 on Monday morning with 61 passengers aboard, nine years"
            " after the city council of Brackenford voted to build the line and six years after it was supposed to"
            " open.",
            "Transport commissioner Idris Calloway, who rode in the front carriage, said the 11-kilometre line"
            " would carry about 28,000 people a day by the end of next year. The council had once promised twice"
            " that number.",
            "Most of the delay goes back to 2019, when workers digging near Ostrava Road uncovered the foundations"
            " of a medieval tannery. Archaeologists from the University of Brackenford spent fourteen months on the"
            " site.",
            "Shopkeepers along the route lost up to a third of their trade during the works, according to a survey"
            " by the Chamber of Commerce. A compensation fund of 4.2 million pounds has paid out less than half of"
            " its money.",
            "A single journey costs 2.40. Fares on the parallel bus routes will stay as they are until the spring,"
            " when the council reviews the whole network.",
        ),
        "The first tram at the hospital stop on Monday morning.",
        "Leo Farrant/Brackenford News",
        "A tannery in the way",
    ),
    Story(
        "lake-level",
        "Lake Tessaly falls to its lowest level since records began",
        "Farmers downstream have been told to halve the water they draw.",
        "Owen Achterberg",
        (
            "Lake Tessaly stood at 231.4 metres on Thursday, the lowest level since measurements began in 1907, the"
            " regional water authority said, and it expects the surface to sink by another 40 centimetres before"
            " the autumn rains.",
            "The authority ordered farmers in the lower valley to halve the water they draw for irrigation from"
            " Saturday. About 900 holdings are affected, most of which grow maize, hops and table grapes.",
            '"We can live with one bad summer, but this is the third," said Petra Lindqvist, who farms 60 hectares'
            " near Ambleton. She plans to leave a quarter of her fields unsown next year.",
            "Ferries between Ambleton and the eastern shore stopped running last week because the landing stage no"
            " longer reaches the water. Passengers now take a bus around the northern end, a detour of 38"
            " kilometres.",
            "Hydrologists at the Institute for Inland Waters blame a snowless winter and rising demand in about"
            " equal parts. Their report, which appears in October, recommends a price for every cubic metre above a"
            " basic allowance.",
        ),
        "The stranded landing stage at Ambleton.",
        "Ines Okonjo/Valley Pictures",
        "Ferries stay in port",
    ),
    Story(
        "chess-final",
        "Seventeen-year-old Noor Haddad wins the northern chess title",
        "The student from Wexcombe beat the defending champion in 74 moves.",
        "Tobias Renwick",
        (
            "Noor Haddad, a 17-year-old school student from Wexcombe, won the Northern Masters on Sunday after a"
            " final game that lasted almost seven hours and left the defending champion, Viktor Brandeis, with a"
            " lone king.",
            "Haddad is the youngest winner in the 52 years of the tournament and the first who entered through the"
            " open qualifier. She lost only one of her eleven games, to the eventual bronze medallist Aino Saarela.",
            "The final turned on the 41st move, when Brandeis offered a bishop that he assumed could not be taken."
            " Haddad thought for 34 minutes and took it.",
            '"I counted the line four times because I did not trust it," she said afterwards. "Then I counted it'
            ' again."',
            "The prize of 15,000 pounds will go into a fund for chess clubs in schools, her father said. Haddad"
            " sits her final exams in May and has not decided whether to turn professional.",
        ),
        "Noor Haddad studies the board in the final game.",
        "Ruth Ellery",
    ),
    Story(
        "bakery-fire",
        "Fire destroys the Halloran bakery in Port Ellis",
        "No one was hurt, but forty people have lost their place of work.",
        "Agnes Thorley",
        (
            "A fire that began in a flour store destroyed the Halloran bakery in Port Ellis early on Wednesday. All"
            " nine people on the night shift escaped through the loading bay, and nobody was hurt.",
            "Seventy firefighters from four towns fought the blaze for five hours. Station officer Bram Oduya said"
            " that dust in the air had made the fire spread faster than anything he had seen in twenty years of"
            " service.",
            "The bakery, founded in 1931 by the brothers Frank and Desmond Halloran, supplied bread to some 300"
            " shops along the coast. Two rival bakeries have offered to lend ovens until a new building is ready.",
            "Police have closed Quay Street while engineers check whether the front wall can stand. The owner,"
            " Siobhan Halloran, promised to pay all forty employees until the end of the year.",
        ),
        "Smoke above Quay Street early on Wednesday.",
        "Dev Marchetti/Coast Agency",
        "Rivals lend their ovens",
    ),
    Story(
        "satellite",
        "Student-built satellite sends its first picture home",
        "The cube weighs less than a bag of sugar and cost 38,000 pounds.",
        "Jun Castellan",
        (
            "A satellite that was built in a school workshop in Merrowby sent its first picture of Earth on Friday,"
            " eleven days after it had been given up for lost. The image shows cloud over the Bay of Biscay.",
            "The cube, ten centimetres along each edge, was launched in March by the European company Astrane. Its"
            " batteries failed to charge for a week because one solar panel had not unfolded.",
            "Physics teacher Hanna Ruoff and her class of 23 wrote a new program that turns the satellite so that"
            " its good panel faces the sun. They sent it up line by line during passes of eight minutes each.",
            "The team now wants to measure the light of towns at night for two years. Universities in Leiden and"
            " Porto have asked for the data, and a second cube is already on the bench.",
        ),
        "Hanna Ruoff's class with a model of the satellite.",
        "Merrowby School",
    ),
    Story(
        "hospital-strike",
        "Porters at St Anselm's end a three-week strike",
        "The deal gives night staff an extra week of leave but no back pay.",
        "Callum Everard",
        (
            "Porters and cleaners at St Anselm's Hospital returned to work on Tuesday after three weeks on strike."
            " Members of the union voted by 412 to 187 to accept an offer that union leaders had called"
            " disappointing.",
            "Night staff will get five more days of leave and a supplement of 1.10 an hour. The hospital refused to"
            " pay anything for the eighteen months since the last agreement ran out.",
            "About 2,300 operations were postponed during the strike, said chief executive Lorna Quist, and it will"
            " take until February to catch up. Volunteers had carried meals and samples through the wards.",
            "Union secretary Femi Adeyemi-Ross said that the vote was no reason to celebrate. Talks about pay for"
            " the coming year begin in three weeks, and both sides have agreed to a mediator.",
        ),
        "Pickets outside the east gate last week.",
        "Gwen Tallis",
        "Catching up until February",
    ),
    Story(
        "orchestra",
        "Vantor Philharmonic names Adaeze Nwosu as chief conductor",
        "She takes over in September from Pavel Horak, who leaves after fifteen years.",
        "Lucian Feld",
        (
            "Adaeze Nwosu will become chief conductor of the Vantor Philharmonic in September, the orchestra"
            " announced on Thursday. The players chose her by secret ballot from among four candidates.",
            "Nwosu, 38, grew up in Enugu and studied in Helsinki. She has led the chamber orchestra in Graz since"
            " 2020 and made her debut in Vantor last winter with the second symphony of Sibelius.",
            "Her contract runs for five years and obliges her to spend fourteen weeks of each in the city. She"
            " wants to give one concert a month in a factory, a school or a railway station.",
            "Pavel Horak, who is 71, leaves after fifteen years in which the number of subscribers rose from 3,100"
            " to 8,900. His farewell concert in June was sold out within an hour.",
        ),
        "Adaeze Nwosu rehearsing in Vantor last winter.",
        "Kirsten Vale/Vantor Philharmonic",
    ),
    Story(
        "beaver-dam",
        "Beavers save Little Harrow from a flood it was still planning for",
        "A family of five built for nothing what engineers had priced at 1.3 million.",
        "Rosalind Peck",
        (
            "Residents of Little Harrow stayed dry through the heaviest rain of the year because a family of"
            " beavers had dammed the Wenlow brook above the village, the county's flood office confirmed on Monday.",
            "Engineers had planned a basin at the same place at a price of 1.3 million pounds. Building was due to"
            " begin in the spring, once a dispute over two fields had been settled in court.",
            "Gauges show that the animals' eleven dams held back about 19,000 cubic metres of water, said"
            " hydrologist Ewan Strand. The flow through the village stayed below the height of the footbridge.",
            "Not everybody is pleased. Farmer Gillian Moss has lost the use of a meadow and wants the same"
            " compensation that the county would have paid her for the basin.",
        ),
        "One of the eleven dams on the Wenlow brook.",
        "Ewan Strand/County Flood Office",
        "A meadow under water",
    ),
    Story(
        "night-market",
        "Old fish market of Tarn Quay reopens as a night market",
        "Sixty stalls trade until two in the morning, four nights a week.",
        "Bea Kowalczyk",
        (
            "The hall where Tarn Quay auctioned its herring for more than a century reopened on Friday as a night"
            " market with sixty stalls, a stage and a library of cookery books on the former weighing floor.",
            "The town bought the building in 2021 for a symbolic pound and spent 3.6 million on its roof and its"
            " iron columns. Stallholders pay by the evening, from 18 pounds for a table to 70 for a kitchen.",
            "Among the first is Samir Okafor, a former trawler cook who sells smoked mackerel dumplings. He had"
            " sold out by half past nine and drove home to make more.",
            "Neighbours had objected to the noise in court and lost. The council now measures the sound at three"
            " bedroom windows and has promised to publish the figures every month.",
        ),
        "Stalls beneath the restored iron columns.",
        "Tarn Quay Council",
    ),
    Story(
        "bruecke",
        "Hängebrücke über die Lauter nach Sturmschäden gesperrt",
        "Gutachter fanden Risse in zwei Tragseilen.",
        "Jens Overath",
        (
            "Die Hängebrücke über die Lauter bei Steinfurt bleibt nach dem Sturm der vergangenen Woche bis auf"
            " Weiteres gesperrt. Gutachter fanden am Dienstag feine Risse in zwei der vier Tragseile, wie die"
            " Gemeinde mitteilte.",
            "Die 214 Meter lange Brücke war erst vor drei Jahren eröffnet worden und zog zuletzt rund 90.000"
            " Besucher im Jahr an. Bürgermeisterin Elke Sandrock rechnet mit einer Sperrung bis mindestens Ostern.",
            "Der Hersteller aus Südtirol will noch in diesem Monat eigene Fachleute schicken. Ob ein Baufehler oder"
            " eine ungewöhnliche Böe die Ursache war, ist nach Angaben des Landratsamts offen.",
            "Die Gastwirte im Tal fürchten um das Weihnachtsgeschäft. Der Kreistag berät am Donnerstag über einen"
            " Zuschuss von 200.000 Euro, mit dem ein Pendelbus zum Aussichtsturm bezahlt werden soll.",
        ),
        "Die gesperrte Brücke am Dienstag.",
        "Foto: Mira Kessel",
        language="de",
    ),
    Story(
        "bibliothek",
        "Stadtbibliothek Ahrenshof verleiht jetzt auch Werkzeug",
        "Bohrmaschinen sind schon bis in den Mai vorbestellt.",
        "Ronja Petersen",
        (
            "Wer in Ahrenshof einen Bibliotheksausweis besitzt, kann seit Montag nicht nur Bücher, sondern auch"
            " Werkzeug ausleihen. Im Keller der Stadtbibliothek stehen 140 Geräte bereit, von der Wasserwaage bis"
            " zur Kreissäge.",
            "Die Leihe kostet nichts, dauert höchstens eine Woche und setzt bei größeren Maschinen eine Einweisung"
            " voraus. Ehrenamtliche aus dem Reparaturcafé prüfen jedes Gerät, bevor es wieder ins Regal kommt.",
            "Leiterin Wiebke Lorenzen hat die Idee aus Oslo mitgebracht. Sie wirbt damit, dass eine Bohrmaschine in"
            " einem gewöhnlichen Haushalt im Laufe ihres Lebens nur dreizehn Minuten lang läuft.",
            "Am ersten Tag gingen 52 Geräte hinaus. Am begehrtesten ist ein Parkettschleifer, für den sich bereits"
            " elf Familien vorgemerkt haben.",
        ),
        "Wiebke Lorenzen im neuen Werkzeugkeller.",
        "Foto: Stadt Ahrenshof",
        language="de",
    ),
    Story(
        "phare",
        "Le phare de Kermorvan vendu à une association de pêcheurs",
        "L'État cède pour un euro une tour dont personne ne voulait payer la peinture.",
        "Soazig Le Bihan",
        (
            "Le phare de Kermorvan appartient depuis mardi à une association de pêcheurs, qui l'a acheté à l'État"
            " pour un euro symbolique. La tour, haute de trente-huit mètres, n'était plus habitée depuis 1998.",
            "L'association s'engage à repeindre l'édifice tous les huit ans et à l'ouvrir au public chaque été. Son"
            " président, Yann Tréguer, estime le coût des premiers travaux à 460 000 euros.",
            "Une fondation de Brest apporte la moitié de la somme, et la région le quart. Le reste doit venir des"
            " visiteurs, qui paieront six euros pour monter les 192 marches.",
            "Le feu lui-même continuera de fonctionner à distance, sous la surveillance du service des phares. Les"
            " gardiens d'autrefois seront invités à l'inauguration, prévue pour le mois de juin.",
        ),
        "Le phare de Kermorvan vu de la mer.",
        "Photo Maël Corre",
        language="fr",
    ),
    Story(
        "train",
        "Le petit train des Combes reprend du service en avril",
        "La ligne avait fermé en 2016 après un éboulement.",
        "Honoré Vasseur",
        (
            "Les trains circuleront de nouveau dans la vallée des Combes à partir du 6 avril, neuf ans après"
            " l'éboulement qui avait emporté deux cents mètres de voie. La préfecture a signé l'autorisation"
            " vendredi.",
            "Quatre allers-retours par jour relieront Montfaucon à la gare de Saint-Alban, où les voyageurs"
            " trouveront une correspondance pour Lyon. Le trajet durera cinquante-deux minutes.",
            "Les travaux ont coûté 31 millions d'euros, dont la plus grande partie pour un tunnel de 640 mètres qui"
            " contourne la falaise. Deux communes ont refusé de participer au financement.",
            "La maire de Montfaucon, Clarisse Aubin, espère que la ligne ramènera des familles dans la vallée."
            " L'école du village avait perdu un tiers de ses élèves depuis la fermeture.",
        ),
        "L'entrée du nouveau tunnel.",
        "Photo Région Combes",
        language="fr",
    ),
    Story(
        "aceite",
        "La cosecha de aceituna de Sierra Alhama cae un cuarenta por ciento",
        "Las cooperativas piden aplazar los créditos hasta el próximo otoño.",
        "Rocío Valderrama",
        (
            "Los olivares de Sierra Alhama han dado este año un cuarenta por ciento menos de aceituna que el"
            " anterior, según el balance que las cooperativas de la comarca presentaron el miércoles en"
            " Torrequemada.",
            "La sequía de la primavera y un pedrisco en septiembre explican la caída. En algunas fincas de secano"
            " los agricultores ni siquiera han contratado cuadrillas, porque el fruto no pagaba los jornales.",
            "El presidente de la federación, Álvaro Quesada, pidió al Gobierno regional que aplace los créditos del"
            " campo hasta el próximo otoño y que adelante las obras del embalse de La Mojonera.",
            "El precio del aceite en origen ha subido a 6,80 euros el kilo. Los envasadores advierten de que la"
            " subida llegará a las tiendas antes de las fiestas.",
        ),
        "Un olivar de secano cerca de Torrequemada.",
        "Foto: Nieves Cano",
        language="es",
    ),
    Story(
        "museo",
        "El museo del ferrocarril de Puerto Hondo recupera su locomotora más antigua",
        "La máquina pasó sesenta años en el patio de una azucarera.",
        "Damián Ferrer",
        (
            "La locomotora número 7 volvió el domingo a Puerto Hondo sobre un camión de veinticuatro ruedas,"
            " sesenta años después de que la compañía la vendiera a una azucarera por el precio de su hierro.",
            "Construida en Leeds en 1889, es la única superviviente de las nueve máquinas que abrieron la línea de"
            " la costa. Los voluntarios del museo calculan que tardarán tres años en restaurarla.",
            "La ingeniera Begoña Artiles, que dirige el taller, ha encontrado la caldera en mejor estado de lo que"
            " temía. Lo más difícil será fundir de nuevo las bielas, cuyos planos se quemaron en 1936.",
            "El ayuntamiento aporta 90.000 euros y una nave junto al puerto. La primera salida está prevista para"
            " el aniversario de la línea, con vagones prestados por un museo portugués.",
        ),
        "La locomotora número 7 a su llegada al puerto.",
        "Foto: Museo de Puerto Hondo",
        language="es",
    ),
)

AGENCY = Story(
    "grain-ship",
    "Grain ship freed after four days aground off Cape Sorrow",
    "Two tugs pulled the freighter clear on the morning tide.",
    "Coast Agency",
    (
        "The freighter Anneliese K., aground off Cape Sorrow since Sunday with 22,000 tonnes of wheat aboard, was"
        " pulled clear by two tugs on Thursday morning, the coastguard said. None of her nineteen crew was hurt.",
        "Divers found a dent of four metres in the bow but no leak. The ship will be inspected in Port Ellis before"
        " she continues to Alexandria, where the cargo is expected by the end of the month.",
        "Captain Stellan Moberg told investigators that the steering had failed within sight of the lighthouse. The"
        " coastguard has closed the inner channel until the buoys that the ship dragged away have been replaced.",
    ),
    "The Anneliese K. off Cape Sorrow on Wednesday.",
    "Coast Agency",
)


def stories_in(language: str) -> tuple[Story, ...]:
    """Return the stories of one language."""
    return tuple(story for story in STORIES if story.language == language)
